//! `AsyncRead`, `AsyncWrite`, `AsyncBufRead` and `AsyncSeek` of the futures crates; tokio has its own traits.

use std::io::{IoSlice, IoSliceMut, Result, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};

use crate::task::InContext;

impl<R: AsyncRead> AsyncRead for InContext<R> {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize>> {
        self.call_inside(|inner| inner.poll_read(cx, buf))
    }

    #[inline]
    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<Result<usize>> {
        self.call_inside(|inner| inner.poll_read_vectored(cx, bufs))
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
    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        self.call_inside(|inner| inner.poll_write_vectored(cx, bufs))
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.call_inside(|inner| inner.poll_flush(cx))
    }

    #[inline]
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.call_inside(|inner| inner.poll_close(cx))
    }
}

impl<S: AsyncSeek> AsyncSeek for InContext<S> {
    #[inline]
    fn poll_seek(self: Pin<&mut Self>, cx: &mut Context<'_>, pos: SeekFrom) -> Poll<Result<u64>> {
        self.call_inside(|inner| inner.poll_seek(cx, pos))
    }
}
