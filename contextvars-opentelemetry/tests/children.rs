//! Spans of children: each has the span for its parent that was active where its work was started.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use contextvars::rayon::prelude::*;
use contextvars::tower::ContextLayer;
use contextvars::{context_var, rayon, thread, tokio, with_context};
use opentelemetry::Context;
use opentelemetry::trace::{FutureExt, SpanId, TraceContextExt, Tracer, TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracer, SdkTracerProvider};
use tower::{ServiceBuilder, ServiceExt, service_fn};

#[context_var(default = 0)]
static NUMBER: u32;

/// A tracer, and the spans that it made and that have ended.
fn tracer() -> (SdkTracer, InMemorySpanExporter) {
    contextvars_opentelemetry::carry();
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    (provider.tracer("test"), exporter)
}

fn active() -> SpanId {
    Context::map_current(|cx| cx.span().span_context().span_id())
}

/// Starts work in every way there is; each piece makes a span of this name.
async fn start_everything(tracer: SdkTracer) {
    let make = |name: &'static str| {
        let tracer = tracer.clone();
        move || tracer.in_span(name, |_| ())
    };
    let (of_task, nested, of_its_function) = (make("task"), make("nested task"), make("function of the task"));
    let task = tokio::spawn(async move {
        tokio::task::yield_now().await;
        of_task();
        tokio::spawn(async move { nested() }).await.unwrap();
        tokio::task::spawn_blocking(of_its_function).await.unwrap();
    });
    task.await.unwrap();

    let mut set = tokio::task::JoinSet::new();
    let of_member = make("member of a set");
    set.spawn(async move { of_member() });
    set.spawn_blocking(make("function of a set"));
    set.join_all().await;

    tokio::task::spawn_blocking(make("function")).await.unwrap();
    tokio::task::run_blocking(make("function that comes back")).await;
    let (of_thread, of_job, of_item) = (make("thread"), make("job"), make("item"));
    let jobs = tokio::task::spawn_blocking(move || {
        thread::spawn(of_thread).join().unwrap();
        rayon::join(&of_job, &of_job);
        [(); 2].into_par_iter().for_each(|()| of_item());
    });
    jobs.await.unwrap();

    with_context!(NUMBER = 1, { make("scope")() });
    let of_scope = make("task of a scope");
    with_context!(NUMBER = 1, async { tokio::spawn(async move { of_scope() }).await.unwrap() }).await;

    let detached = make("detached");
    tokio::spawn_detached(async move { detached() }).await.unwrap();
    let plain = make("plain");
    ::tokio::spawn(async move { plain() }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_child_has_the_right_parent() {
    let (tracer, exporter) = tracer();
    let root = Context::new().with_span(tracer.start("root"));
    start_everything(tracer).with_context(root.clone()).await;
    let root = root.span().span_context().span_id();
    let mut children: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for span in exporter.get_finished_spans().unwrap() {
        children.entry(span.name).or_default().push(span.parent_span_id == root);
    }
    let once = [
        "function",
        "function of a set",
        "function of the task",
        "function that comes back",
        "member of a set",
        "nested task",
        "scope",
        "task",
        "task of a scope",
        "thread",
    ];
    let once = once.map(|name| (name.into(), vec![true]));
    let twice = ["item", "job"].map(|name| (name.into(), vec![true; 2]));
    let elsewhere = ["detached", "plain"].map(|name| (name.into(), vec![false]));
    assert_eq!(children, once.into_iter().chain(twice).chain(elsewhere).collect());
    assert!(!Context::current().has_active_span());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_requests_at_once_have_traces_of_their_own() {
    async fn request(tracer: SdkTracer) {
        let root = Context::new().with_span(tracer.start("request"));
        let id = root.span().span_context().span_id();
        let handler = service_fn(move |_: Request<Body>| {
            let tracer = tracer.clone();
            async move {
                assert_eq!(active(), id);
                let child = tokio::spawn(async move {
                    tokio::task::yield_now().await;
                    assert_eq!(active(), id);
                    tracer.in_span("child", |_| ());
                });
                child.await.unwrap();
                assert_eq!(active(), id);
                Ok::<_, Infallible>(Response::new(Body::from("done")))
            }
        });
        let service = ServiceBuilder::new().layer(ContextLayer::new()).service(handler);
        let response = service.oneshot(Request::new(Body::empty())).with_context(root).await.unwrap();
        to_bytes(Body::new(response.into_body()), usize::MAX).await.unwrap();
    }

    let (tracer, exporter) = tracer();
    let mut set = ::tokio::task::JoinSet::new();
    for _ in 0..100 {
        set.spawn(request(tracer.clone()));
    }
    set.join_all().await;
    let spans = exporter.get_finished_spans().unwrap();
    let (requests, children): (Vec<_>, Vec<_>) = spans.iter().partition(|span| span.name == "request");
    let roots: HashMap<_, _> =
        requests.iter().map(|it| (it.span_context.span_id(), it.span_context.trace_id())).collect();
    assert_eq!((roots.len(), children.len()), (100, 100));
    assert!(children.iter().all(|child| roots[&child.parent_span_id] == child.span_context.trace_id()));
}
