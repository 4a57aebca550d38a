//! Bodies that are streamed, in and out.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::handlers::{AtEnd, Id, fail};
use crate::values::{PAGE, check, expect};

/// What a body does after its frames.
enum Then {
    End,
    Panic,
    Wait,
}

/// Frames that are made when the handler has long returned, each with a change to what the one before has set.
struct Frames {
    id: u64,
    made: u64,
    total: u64,
    /// How often each of them has the request's number.
    numbers: usize,
    then: Then,
    is_ready: bool,
    _end: AtEnd,
}

fn body(id: u64, total: u64, numbers: usize, then: Then) -> Body {
    PAGE.set(id);
    let end = AtEnd(id, "the end of a body");
    Body::from_stream(Frames { id, made: 0, total, numbers, then, is_ready: false, _end: end })
}

impl Stream for Frames {
    type Item = Result<String, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let id = self.id;
        check(id, "a body");
        expect(PAGE.get(), id + self.made, "a body");
        if self.made == self.total {
            return match self.then {
                Then::End => Poll::Ready(None),
                Then::Panic => fail(),
                Then::Wait => Poll::Pending,
            };
        }
        // Every other time something else has its turn first.
        self.is_ready = !self.is_ready;
        if self.is_ready {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.made += 1;
        PAGE.set(id + self.made);
        Poll::Ready(Some(Ok(format!("{id}.").repeat(self.numbers))))
    }
}

pub(crate) async fn streamed(Id(id): Id) -> Body {
    body(id, 1 + id / 10 % 8, 1, Then::End)
}

/// A body that is there for as long as the client is.
pub(crate) async fn endless(Id(id): Id) -> Body {
    if id / 20 % 2 == 0 {
        // HTTP/2 takes many small frames that have not been read for an attack.
        body(id, u64::MAX, 1_000, Then::End)
    } else {
        body(id, 1, 1, Then::Wait)
    }
}

pub(crate) async fn broken(Id(id): Id) -> Body {
    body(id, 2, 1, Then::Panic)
}

/// Sends each frame back when it comes.
pub(crate) async fn echo(Id(id): Id, request: Request) -> Body {
    let end = AtEnd(id, "the end of an echo");
    PAGE.set(id);
    let frames = request.into_body().into_data_stream().map(move |frame| {
        let _ = &end;
        check(id, "an echo");
        PAGE.set(PAGE.get() + 1);
        frame
    });
    let last = futures_util::stream::once(async move {
        check(id, "the last of an echo");
        Ok::<_, axum::Error>(Bytes::from(format!("{}", PAGE.get() - id)))
    });
    Body::from_stream(frames.chain(last))
}
