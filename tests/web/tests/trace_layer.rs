//! tower-http's `TraceLayer` beside a `ContextLayer`, with spans carried: all of a request is in its span, which closes
//! once.
//!
//! A process of its own: the subscriber is the process's, and so is the carrier of spans.

use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, Once};

use bytes::Bytes;
use contextvars::tower::{AnyContextLayer, ContextLayer};
use contextvars::{Context, inherit_context, tokio};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::trace::TraceLayer;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Span, Subscriber, info, info_span};
use tracing_subscriber::layer::{Context as LayerContext, Layer};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;

/// An event or the end of a span, of a request by its number.
#[derive(Clone, PartialEq, Debug)]
enum Seen {
    /// With the numbers of the requests in whose spans it is, the innermost first.
    Event(&'static str, Vec<u64>),
    Close,
}

static LOG: LazyLock<Mutex<Vec<(u64, Seen)>>> = LazyLock::new(Mutex::default);

struct Recorder;

#[derive(Default)]
struct Fields {
    number: u64,
    step: usize,
}

impl Visit for Fields {
    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "number" => self.number = value,
            "step" => self.step = usize::try_from(value).unwrap(),
            _ => {}
        }
    }
}

const STEPS: [&str; 6] = ["call", "handler", "task", "task, later", "function", "handler, later"];

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: LayerContext<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        cx.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_event(&self, event: &Event<'_>, cx: LayerContext<'_, S>) {
        // tower-http has events of its own.
        if event.metadata().target() == module_path!() {
            let mut fields = Fields::default();
            event.record(&mut fields);
            let spans = cx.event_scope(event).into_iter().flatten();
            let spans =
                spans.filter_map(|span| span.extensions().get::<Fields>().map(|fields| fields.number)).collect();
            LOG.lock().unwrap().push((fields.number, Seen::Event(STEPS[fields.step], spans)));
        }
    }

    fn on_close(&self, id: Id, cx: LayerContext<'_, S>) {
        let number = cx.span(&id).unwrap().extensions().get::<Fields>().map(|fields| fields.number);
        LOG.lock().unwrap().extend(number.map(|number| (number, Seen::Close)));
    }
}

/// Carries spans, and returns a request with a number of its own.
fn request() -> (u64, Request<Full<Bytes>>) {
    static ONCE: Once = Once::new();
    static NEXT: AtomicU64 = AtomicU64::new(1);
    ONCE.call_once(|| {
        contextvars::tracing::carry_spans();
        tracing_subscriber::registry().with(Recorder).init();
    });
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    (number, Request::builder().uri(format!("/{number}")).body(Full::default()).unwrap())
}

fn number_of(request: &Request<Full<Bytes>>) -> u64 {
    request.uri().path()[1..].parse().unwrap()
}

type Make = fn(&Request<Full<Bytes>>) -> Span;

fn trace_layer() -> TraceLayer<SharedClassifier<ServerErrorsAsFailures>, Make> {
    TraceLayer::new_for_http().make_span_with((|request| info_span!("request", number = number_of(request))) as Make)
}

/// The service: an event in each of its parts.
fn handle(request: Request<Full<Bytes>>) -> impl Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send {
    let number = number_of(&request);
    info!(number, step = 0_u64);
    async move {
        info!(number, step = 1_u64);
        drop(request);
        let task = async move {
            info!(number, step = 2_u64);
            tokio::task::yield_now().await;
            info!(number, step = 3_u64);
        };
        tokio::spawn(task).await.unwrap();
        tokio::task::spawn_blocking(move || info!(number, step = 4_u64)).await.unwrap();
        info!(number, step = 5_u64);
        Ok(Response::new(Full::default()))
    }
}

/// Sends a request, waits for the end of its response, and returns its number.
async fn send<S, B>(service: S) -> u64
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data: Debug, Error: Debug>,
{
    let (number, request) = request();
    let response = service.oneshot(request).await.map_err(Into::into).unwrap();
    response.into_body().collect().await.unwrap();
    number
}

fn seen_of(number: u64) -> Vec<Seen> {
    LOG.lock().unwrap().iter().filter(|(of, _)| *of == number).map(|(_, seen)| seen.clone()).collect()
}

/// Checks that each event of a request is in its span, which has closed once, at the end.
fn check(number: u64, name: &str) {
    let mut expected: Vec<_> = STEPS.map(|step| Seen::Event(step, vec![number])).into();
    expected.push(Seen::Close);
    assert_eq!(seen_of(number), expected, "{name}");
    assert!(Span::current().is_none(), "{name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_layer_outside_of_the_context_layer_has_all_of_the_request_in_its_span() {
    for (name, layer) in [
        ("new", ContextLayer::new()),
        ("from", ContextLayer::from(Context::new())),
        ("carried", ContextLayer::carried()),
    ] {
        let service = ServiceBuilder::new().layer(trace_layer()).layer(layer).service_fn(handle);
        check(send(service).await, name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_layer_inside_of_the_context_layer_has_all_of_the_request_in_its_span() {
    for (name, layer) in [
        ("new", ContextLayer::new()),
        ("from", ContextLayer::from(Context::new())),
        ("carried", ContextLayer::carried()),
    ] {
        let service = ServiceBuilder::new().layer(layer).layer(trace_layer()).service_fn(handle);
        check(send(service).await, name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_for_any_request_has_all_of_it_in_its_span_whatever_its_context_is_made_of() {
    // A context that carries a span is none of the request's.
    let (_, first) = request();
    let elsewhere = info_span!("elsewhere", number = number_of(&first) + 1_000_000);
    let carrying = elsewhere.in_scope(inherit_context);
    for (name, layer) in [
        ("new", AnyContextLayer::new()),
        ("from", AnyContextLayer::from(Context::new())),
        ("from a child's", AnyContextLayer::from(carrying)),
    ] {
        let service = ServiceBuilder::new().layer(trace_layer()).layer(layer).service_fn(handle);
        check(send(service).await, name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_requests_at_once_are_each_in_their_own_span() {
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let service = ServiceBuilder::new().layer(trace_layer()).layer(ContextLayer::new()).service_fn(handle);
        requests.spawn(send(service));
    }
    for number in requests.join_all().await {
        check(number, "one of a hundred");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn past_a_buffer_the_request_is_in_its_span_and_the_worker_keeps_none() {
    let service = ServiceBuilder::new()
        .layer(trace_layer())
        .layer(ContextLayer::new().carry())
        .buffer(4)
        .layer(ContextLayer::carried())
        .service_fn(handle);
    for _ in 0..3 {
        let number = send(service.clone()).await;
        // The worker lets go of the span after it has handed over the answer.
        while !seen_of(number).contains(&Seen::Close) {
            tokio::task::yield_now().await;
        }
        check(number, "past a buffer");
    }
}
