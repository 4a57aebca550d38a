//! The span of a request ends with the request, if work that goes on was started detached.

use contextvars::carry::suppressed;
use contextvars::{Context as Variables, ContextExt, thread, tokio};
use contextvars_opentelemetry::carry;
use opentelemetry::Context;
use opentelemetry::trace::{FutureExt, TraceContextExt, Tracer, TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use tokio::sync::oneshot;

/// How many spans have ended while work goes on that a request with a span has started, and the request is over.
async fn ended_spans<K>(start: impl FnOnce(oneshot::Receiver<()>) -> K + Send + 'static) -> usize {
    carry();
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let cx = Context::new().with_span(provider.tracer("test").start("request"));
    let (done, until_done) = oneshot::channel();
    let work = async { start(until_done) }.with_context(cx).await;
    let ended = exporter.get_finished_spans().unwrap().len();
    drop((done, work));
    ended
}

async fn until(done: oneshot::Receiver<()>) {
    let _ = done.await;
}

#[tokio::test]
async fn the_span_of_a_request_ends_while_work_goes_on_that_it_spawned_detached() {
    assert_eq!(ended_spans(|done| tokio::spawn_detached(until(done))).await, 1);
    let in_a_thread = |done: oneshot::Receiver<()>| thread::spawn(|| done.blocking_recv());
    assert_eq!(ended_spans(move |done| suppressed(|| in_a_thread(done))).await, 1);
    // Work of the request itself keeps it open, and so does work in a context that has no variables.
    assert_eq!(ended_spans(|done| tokio::spawn(until(done))).await, 0);
    assert_eq!(ended_spans(|done| tokio::spawn(until(done).in_context(Variables::new()))).await, 0);
    assert_eq!(ended_spans(in_a_thread).await, 0);
}

#[tokio::test]
async fn a_task_that_is_done_and_whose_handle_is_kept_does_not_keep_the_span_open() {
    carry();
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let cx = Context::new().with_span(provider.tracer("test").start("request"));
    let (sender, done) = oneshot::channel();
    let attached = cx.attach();
    let handle = tokio::spawn(async { sender.send(()).unwrap() });
    drop(attached);
    done.await.unwrap();
    while !handle.is_finished() {
        tokio::task::yield_now().await;
    }
    assert_eq!(exporter.get_finished_spans().unwrap().len(), 1);
    handle.await.unwrap();
}
