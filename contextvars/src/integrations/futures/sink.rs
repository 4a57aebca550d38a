//! `Sink`.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_sink::Sink;

use crate::task::InContext;

impl<S: Sink<Item>, Item> Sink<Item> for InContext<S> {
    type Error = S::Error;

    #[inline]
    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.call_inside(|inner| inner.poll_ready(cx))
    }

    #[inline]
    fn start_send(self: Pin<&mut Self>, item: Item) -> Result<(), S::Error> {
        self.call_inside(|inner| inner.start_send(item))
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.call_inside(|inner| inner.poll_flush(cx))
    }

    #[inline]
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.call_inside(|inner| inner.poll_close(cx))
    }
}
