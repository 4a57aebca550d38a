//! tokio's `AsyncRead`, `AsyncWrite`, `AsyncBufRead` and `AsyncSeek`, for [`InContext`].
//!
//! Each method enters the context as a future's `poll` does. The method that takes `&self` runs in a copy.

use std::io::{IoSlice, Result, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use ::tokio::io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};

use crate::task::InContext;

impl<R: AsyncRead> AsyncRead for InContext<R> {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        self.call_inside(|inner| inner.poll_read(cx, buf))
    }
}

impl<R: AsyncBufRead> AsyncBufRead for InContext<R> {
    #[inline]
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<&[u8]>> {
        self.call_inside(|inner| inner.poll_fill_buf(cx))
    }

    #[inline]
    fn consume(self: Pin<&mut Self>, amt: usize) {
        self.call_inside(|inner| inner.consume(amt));
    }
}

impl<W: AsyncWrite> AsyncWrite for InContext<W> {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        self.call_inside(|inner| inner.poll_write(cx, buf))
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.call_inside(|inner| inner.poll_flush(cx))
    }

    #[inline]
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.call_inside(|inner| inner.poll_shutdown(cx))
    }

    #[inline]
    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        self.call_inside(|inner| inner.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.call_inside_copy(W::is_write_vectored)
    }
}

impl<S: AsyncSeek> AsyncSeek for InContext<S> {
    #[inline]
    fn start_seek(self: Pin<&mut Self>, position: SeekFrom) -> Result<()> {
        self.call_inside(|inner| inner.start_seek(position))
    }

    #[inline]
    fn poll_complete(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<u64>> {
        self.call_inside(|inner| inner.poll_complete(cx))
    }
}
