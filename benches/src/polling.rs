//! Futures that can be polled for ever.

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{self, Poll, Waker};

/// A future that does something on every poll and is never ready.
#[derive(Debug)]
pub struct Again<F>(pub F);

impl<F: FnMut() -> R + Unpin, R> Future for Again<F> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "a call to it would be counted with what is measured")]
    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<()> {
        black_box((self.0)());
        Poll::Pending
    }
}

/// Polls once; whether the future was ready.
#[must_use]
#[expect(clippy::inline_always, reason = "a call to it would be counted with what is measured")]
#[inline(always)]
pub fn poll(future: Pin<&mut impl Future<Output = ()>>) -> bool {
    future.poll(&mut task::Context::from_waker(Waker::noop())).is_ready()
}
