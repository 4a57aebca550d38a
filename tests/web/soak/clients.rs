//! The clients, which know what to expect, and leave when they like.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::ops::Range;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use bytes::Bytes;
use contextvars::{ContextExt, copy_context, tokio, with_context};
use futures_util::{StreamExt, stream};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use tokio::task::{self, JoinSet};

use crate::server::{CLIENT_TASKS, Counted};
use crate::values::{CALL, check_call, expect};

/// How many requests are under way at once.
const CALLERS: usize = 64;

/// For how many requests the connections last. Over HTTP/2 many more do not pass: h2 closes a connection on which a
/// hundred frames were empty, as the last one of a streamed body is.
const WAVE: u64 = 500;

static DONE: AtomicU64 = AtomicU64::new(0);

/// How many requests are over.
pub(crate) fn done() -> u64 {
    DONE.load(Ordering::Relaxed)
}

/// How many requests there were of each kind.
static TALLY: [AtomicU64; KINDS.len()] = [const { AtomicU64::new(0) }; KINDS.len()];

pub(crate) fn tally() -> String {
    let counts = KINDS.iter().zip(&TALLY).map(|(kind, count)| format!("{kind}: {}", count.load(Ordering::Relaxed)));
    counts.collect::<Vec<_>>().join(", ")
}

/// What requests ask for; `leave`: a client that leaves before there is a response.
const KINDS: [&str; 10] =
    ["plain", "scopes", "tasks", "blocking", "jobs", "streamed", "echo", "leave", "endless", "panic"];

/// One for HTTP/1.1, one for HTTP/2.
type Clients = [Client<HttpConnector, Body>; 2];

/// Spawns what clients run in tasks, and counts it. The pools of connections belong to no request.
#[derive(Clone)]
struct Spawning;

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Spawning {
    fn execute(&self, future: F) {
        let counted = Counted::one_of(&CLIENT_TASKS);
        ::tokio::spawn(async move {
            future.await;
            drop(counted);
        });
    }
}

/// Makes the requests with these numbers.
pub(crate) async fn round(addr: SocketAddr, ids: Range<u64>) {
    let mut first = ids.start;
    while first < ids.end {
        let end = ids.end.min(first + WAVE);
        wave(addr, first..end).await;
        first = end;
    }
}

async fn wave(addr: SocketAddr, ids: Range<u64>) {
    let clients: Arc<Clients> = Arc::new([false, true].map(|is_http2| {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Client::builder(Spawning).http2_only(is_http2).build(connector)
    }));
    let next = Arc::new(AtomicU64::new(ids.start));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (clients, next) = (Arc::clone(&clients), Arc::clone(&next));
        callers.spawn(async move {
            loop {
                let id = next.fetch_add(1, Ordering::Relaxed);
                if id >= ids.end {
                    return;
                }
                with_context!(CALL = id, async { call(&clients, addr, id).await }).await;
                DONE.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller.unwrap_or_else(|error| panic::resume_unwind(error.into_panic()));
    }
}

async fn call(clients: &Clients, addr: SocketAddr, id: u64) {
    let number = usize::try_from(id % 10).expect("it is small");
    TALLY[number].fetch_add(1, Ordering::Relaxed);
    let client = &clients[usize::from(id / 10 % 2 == 0)];
    let ask = |path: &str, body| {
        let request = Request::builder().uri(format!("http://{addr}/{path}")).header("x-request", id);
        let method = if path == "echo" { "POST" } else { "GET" };
        client.request(request.method(method).body(body).expect("a valid request"))
    };
    match KINDS[number] {
        "streamed" => {
            let frames = 1 + id / 10 % 8;
            let whole = format!("{id}.").repeat(usize::try_from(frames).expect("it is small"));
            expect(text(ask("streamed", Body::empty()).await).await, whole, "a streamed response");
        }
        "echo" => {
            let answer = text(ask("echo", upload(id)).await).await;
            let digits = answer.strip_prefix(&format!("{id}.").repeat(4)).map(str::is_empty);
            expect(digits, Some(false), "an echo");
        }
        "leave" => tokio::select! {
            _ = ask("never", Body::empty()) => expect("answered", "left", "a handler that never answers"),
            () = pauses(id / 10 % 16) => {}
        },
        "endless" => {
            let mut response = response(ask("endless", Body::empty()).await);
            let (beginning, mut received) = (format!("{id}."), Vec::new());
            // What was sent as one frame may come in several.
            while received.len() < beginning.len() {
                let frame = response.frame().await.expect("a frame").expect("no error");
                received.extend_from_slice(&frame.into_data().unwrap_or_default());
            }
            received.truncate(beginning.len());
            expect(String::from_utf8(received), Ok(beginning), "the beginning of an endless response");
        }
        "panic" if id / 20 % 2 == 0 => {
            let answer = ask("broken", Body::empty()).await.expect("it begins to answer");
            expect(answer.into_body().collect().await.is_err(), true, "a body that panics");
        }
        "panic" => {
            let answer = ask("panic", Body::empty()).await.expect("it answers");
            expect(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "a handler that panics");
        }
        path => {
            let answer = text(ask(path, Body::empty()).await).await;
            expect(answer, id.to_string(), path);
        }
    }
    check_call(id, "a client after its call");
}

async fn pauses(times: u64) {
    for _ in 0..times {
        task::yield_now().await;
    }
}

fn response(response: Result<Response<Incoming>, Error>) -> Incoming {
    let response = response.unwrap_or_else(|error| panic!("request {}: {error:?}", CALL.get()));
    expect(response.status(), StatusCode::OK, "a response");
    response.into_body()
}

async fn text(answer: Result<Response<Incoming>, Error>) -> String {
    let bytes = response(answer).collect().await.expect("the body is whole").to_bytes();
    String::from_utf8(bytes.to_vec()).expect("it is UTF-8")
}

/// A body whose frames are made in the context of the call, though a connection's task asks for them.
fn upload(id: u64) -> Body {
    let frames = stream::iter(0..4).then(move |_| async move {
        task::yield_now().await;
        check_call(id, "a body that is sent");
        Ok::<_, Infallible>(Bytes::from(format!("{id}.")))
    });
    Body::from_stream(frames.in_context(copy_context()))
}
