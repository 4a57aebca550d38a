//! Whatever trait a thing in a context is polled through, each of the trait's methods runs in that context.

use std::cell::RefCell;
use std::io::{IoSlice, IoSliceMut, Result, SeekFrom};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll, Waker};

use contextvars::{Context, ContextExt, context_var};
use futures::future::FusedFuture;
use futures::io as futures_io;
use futures::stream::FusedStream;
use futures::{Sink, SinkExt, Stream};
use tokio::io as tokio_io;

#[context_var(default = 0)]
static REQUEST_ID: u64;

fn request(id: u64) -> Context {
    Context::new().with(&REQUEST_ID, id)
}

/// Which methods ran, and what request each of them saw.
type Log = Rc<RefCell<Vec<(&'static str, u64)>>>;

/// Notes each call of any method.
struct Probe(Log);

impl Probe {
    fn new() -> (Self, Log) {
        let log = Log::default();
        (Self(log.clone()), log)
    }

    fn saw(&self, method: &'static str) {
        self.0.borrow_mut().push((method, REQUEST_ID.get()));
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.saw("drop");
    }
}

/// Every one of `methods`, and then the drop, ran in request 7.
fn assert_all_in_request_7(log: &Log, methods: &[&'static str]) {
    let expected: Vec<_> = methods.iter().copied().chain(["drop"]).map(|method| (method, 7)).collect();
    assert_eq!(*log.borrow(), expected);
    assert_eq!(REQUEST_ID.get(), 0);
}

fn cx() -> TaskContext<'static> {
    TaskContext::from_waker(Waker::noop())
}

impl Stream for Probe {
    type Item = u64;

    fn poll_next(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Option<u64>> {
        self.saw("poll_next");
        Poll::Ready(Some(REQUEST_ID.get()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.saw("size_hint");
        (1, Some(2))
    }
}

impl FusedStream for Probe {
    fn is_terminated(&self) -> bool {
        self.saw("is_terminated");
        true
    }
}

#[test]
fn every_method_of_a_stream_runs_in_its_context() {
    let (probe, log) = Probe::new();
    let mut probe = Box::pin(probe.in_context(request(7)));
    assert_eq!(probe.as_mut().poll_next(&mut cx()), Poll::Ready(Some(7)));
    assert_eq!(probe.size_hint(), (1, Some(2)));
    assert!(FusedStream::is_terminated(&probe));
    drop(probe);
    assert_all_in_request_7(&log, &["poll_next", "size_hint", "is_terminated"]);
}

impl Future for Probe {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<()> {
        self.saw("poll");
        Poll::Ready(())
    }
}

impl FusedFuture for Probe {
    fn is_terminated(&self) -> bool {
        self.saw("is_terminated");
        true
    }
}

#[test]
fn every_method_of_a_fused_future_runs_in_its_context() {
    let (probe, log) = Probe::new();
    let mut probe = Box::pin(probe.in_context(request(7)));
    assert_eq!(probe.as_mut().poll(&mut cx()), Poll::Ready(()));
    assert!(FusedFuture::is_terminated(&probe));
    drop(probe);
    assert_all_in_request_7(&log, &["poll", "is_terminated"]);
}

impl Sink<u64> for Probe {
    type Error = ();

    fn poll_ready(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<std::result::Result<(), ()>> {
        self.saw("poll_ready");
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, _: u64) -> std::result::Result<(), ()> {
        self.saw("start_send");
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<std::result::Result<(), ()>> {
        self.saw("poll_flush");
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<std::result::Result<(), ()>> {
        self.saw("poll_close");
        Poll::Ready(Err(()))
    }
}

#[test]
fn every_method_of_a_sink_runs_in_its_context() {
    let (probe, log) = Probe::new();
    let mut probe = probe.in_context(request(7));
    pollster::block_on(async {
        probe.send(1).await?;
        SinkExt::<u64>::close(&mut probe).await
    })
    .unwrap_err();
    drop(probe);
    assert_all_in_request_7(&log, &["poll_ready", "start_send", "poll_flush", "poll_close"]);
}

impl futures_io::AsyncRead for Probe {
    fn poll_read(self: Pin<&mut Self>, _: &mut TaskContext<'_>, buf: &mut [u8]) -> Poll<Result<usize>> {
        self.saw("poll_read");
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        _: &mut TaskContext<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<Result<usize>> {
        self.saw("poll_read_vectored");
        Poll::Ready(Ok(bufs.len()))
    }
}

impl futures_io::AsyncBufRead for Probe {
    fn poll_fill_buf(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Result<&[u8]>> {
        self.saw("poll_fill_buf");
        Poll::Ready(Ok(b"abc"))
    }

    fn consume(self: Pin<&mut Self>, _: usize) {
        self.saw("consume");
    }
}

impl futures_io::AsyncSeek for Probe {
    fn poll_seek(self: Pin<&mut Self>, _: &mut TaskContext<'_>, _: SeekFrom) -> Poll<Result<u64>> {
        self.saw("poll_seek");
        Poll::Ready(Ok(5))
    }
}

#[test]
fn every_method_of_a_reader_of_futures_runs_in_its_context() {
    use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek};

    let (probe, log) = Probe::new();
    let mut probe = pin!(Some(probe.in_context(request(7))));
    let mut reader = probe.as_mut().as_pin_mut().unwrap();
    let cx = &mut cx();
    assert!(matches!(reader.as_mut().poll_read(cx, &mut [0; 3]), Poll::Ready(Ok(3))));
    assert!(matches!(reader.as_mut().poll_read_vectored(cx, &mut []), Poll::Ready(Ok(0))));
    assert!(matches!(reader.as_mut().poll_fill_buf(cx), Poll::Ready(Ok(b"abc"))));
    reader.as_mut().consume(3);
    assert!(matches!(reader.as_mut().poll_seek(cx, SeekFrom::Start(5)), Poll::Ready(Ok(5))));
    probe.set(None);
    assert_all_in_request_7(&log, &["poll_read", "poll_read_vectored", "poll_fill_buf", "consume", "poll_seek"]);
}

impl futures_io::AsyncWrite for Probe {
    fn poll_write(self: Pin<&mut Self>, _: &mut TaskContext<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        self.saw("poll_write");
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, _: &mut TaskContext<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        self.saw("poll_write_vectored");
        Poll::Ready(Ok(bufs.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Result<()>> {
        self.saw("poll_flush");
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Result<()>> {
        self.saw("poll_close");
        Poll::Ready(Ok(()))
    }
}

#[test]
fn every_method_of_a_writer_of_futures_runs_in_its_context() {
    use futures_io::AsyncWrite;

    let (probe, log) = Probe::new();
    let mut probe = pin!(Some(probe.in_context(request(7))));
    let mut writer = probe.as_mut().as_pin_mut().unwrap();
    let cx = &mut cx();
    assert!(matches!(writer.as_mut().poll_write(cx, b"abc"), Poll::Ready(Ok(3))));
    assert!(matches!(writer.as_mut().poll_write_vectored(cx, &[]), Poll::Ready(Ok(0))));
    assert!(matches!(AsyncWrite::poll_flush(writer.as_mut(), cx), Poll::Ready(Ok(()))));
    assert!(matches!(AsyncWrite::poll_close(writer.as_mut(), cx), Poll::Ready(Ok(()))));
    probe.set(None);
    assert_all_in_request_7(&log, &["poll_write", "poll_write_vectored", "poll_flush", "poll_close"]);
}

impl tokio_io::AsyncRead for Probe {
    fn poll_read(self: Pin<&mut Self>, _: &mut TaskContext<'_>, buf: &mut tokio_io::ReadBuf<'_>) -> Poll<Result<()>> {
        self.saw("poll_read");
        buf.put_slice(b"abc");
        Poll::Ready(Ok(()))
    }
}

impl tokio_io::AsyncBufRead for Probe {
    fn poll_fill_buf(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Result<&[u8]>> {
        self.saw("poll_fill_buf");
        Poll::Ready(Ok(b"abc"))
    }

    fn consume(self: Pin<&mut Self>, _: usize) {
        self.saw("consume");
    }
}

impl tokio_io::AsyncSeek for Probe {
    fn start_seek(self: Pin<&mut Self>, _: SeekFrom) -> Result<()> {
        self.saw("start_seek");
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Result<u64>> {
        self.saw("poll_complete");
        Poll::Ready(Ok(5))
    }
}

#[test]
fn every_method_of_a_reader_of_tokio_runs_in_its_context() {
    use tokio_io::{AsyncBufRead, AsyncRead, AsyncSeek};

    let (probe, log) = Probe::new();
    let mut probe = pin!(Some(probe.in_context(request(7))));
    let mut reader = probe.as_mut().as_pin_mut().unwrap();
    let cx = &mut cx();
    let mut space = [0; 3];
    let mut buf = tokio_io::ReadBuf::new(&mut space);
    assert!(matches!(AsyncRead::poll_read(reader.as_mut(), cx, &mut buf), Poll::Ready(Ok(()))));
    assert_eq!(buf.filled(), b"abc");
    assert!(matches!(AsyncBufRead::poll_fill_buf(reader.as_mut(), cx), Poll::Ready(Ok(b"abc"))));
    AsyncBufRead::consume(reader.as_mut(), 3);
    assert!(AsyncSeek::start_seek(reader.as_mut(), SeekFrom::Start(5)).is_ok());
    assert!(matches!(AsyncSeek::poll_complete(reader.as_mut(), cx), Poll::Ready(Ok(5))));
    probe.set(None);
    assert_all_in_request_7(&log, &["poll_read", "poll_fill_buf", "consume", "start_seek", "poll_complete"]);
}

impl tokio_io::AsyncWrite for Probe {
    fn poll_write(self: Pin<&mut Self>, _: &mut TaskContext<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        self.saw("poll_write");
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Result<()>> {
        self.saw("poll_flush");
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Result<()>> {
        self.saw("poll_shutdown");
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, _: &mut TaskContext<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        self.saw("poll_write_vectored");
        Poll::Ready(Ok(bufs.len()))
    }

    fn is_write_vectored(&self) -> bool {
        self.saw("is_write_vectored");
        true
    }
}

#[test]
fn every_method_of_a_writer_of_tokio_runs_in_its_context() {
    use tokio_io::AsyncWrite;

    let (probe, log) = Probe::new();
    let mut probe = pin!(Some(probe.in_context(request(7))));
    let mut writer = probe.as_mut().as_pin_mut().unwrap();
    let cx = &mut cx();
    assert!(matches!(writer.as_mut().poll_write(cx, b"abc"), Poll::Ready(Ok(3))));
    assert!(matches!(writer.as_mut().poll_write_vectored(cx, &[]), Poll::Ready(Ok(0))));
    assert!(matches!(AsyncWrite::poll_flush(writer.as_mut(), cx), Poll::Ready(Ok(()))));
    assert!(matches!(writer.as_mut().poll_shutdown(cx), Poll::Ready(Ok(()))));
    assert!(writer.is_write_vectored());
    probe.set(None);
    let methods = ["poll_write", "poll_write_vectored", "poll_flush", "poll_shutdown", "is_write_vectored"];
    assert_all_in_request_7(&log, &methods);
}
