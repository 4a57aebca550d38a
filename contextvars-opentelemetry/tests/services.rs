//! Three services, each of which asks the next over a socket: one trace, one baggage, and nothing else leaves.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{Json, Response};
use axum::routing::get;
use axum::{Router, serve};
use contextvars::{ContextExt, context_var, copy_context, tokio};
use contextvars_opentelemetry::{BaggagePropagator, apply_baggage};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use opentelemetry::trace::{FutureExt, SpanId, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracer, SdkTracerProvider, SpanData};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Who pays. It is put into the baggage of OpenTelemetry, and read as a variable.
#[context_var(baggage = "tenant")]
static TENANT: String;

/// The services that were passed. It is set as a variable, and can be read as baggage, too.
#[context_var(baggage = "passed", default = String::new())]
static PASSED: String;

/// What is paid with.
#[context_var]
static CARD: String;

fn propagator() -> TextMapCompositePropagator {
    TextMapCompositePropagator::new(vec![Box::new(TraceContextPropagator::new()), Box::new(BaggagePropagator::new())])
}

#[derive(Clone)]
struct Service {
    name: &'static str,
    next: Option<SocketAddr>,
    tracer: SdkTracer,
    /// The headers that were received, as they came over the wire.
    received: Arc<Mutex<Vec<String>>>,
}

/// Gives each request a span, and the context and the variables that came with it.
async fn in_context_of_request(State(service): State<Service>, request: Request, next: Next) -> Response {
    service.received.lock().unwrap().push(format!("{:?}", request.headers()));
    let cx = propagator().extract_with_context(&Context::new(), &HeaderExtractor(request.headers()));
    let (ctx, skipped) = apply_baggage(&cx, copy_context());
    assert!(skipped.is_empty(), "{skipped:?}");
    let span = service.tracer.start_with_context(service.name, &cx);
    next.run(request).with_context(cx.with_span(span)).in_context(ctx).await
}

/// What this service and those behind it saw.
async fn handle(State(service): State<Service>) -> Json<Value> {
    let seen = json!({
        "service": service.name,
        "trace": Context::current().span().span_context().trace_id().to_string(),
        "tenant": TENANT.try_get().ok(),
        "passed": PASSED.get(),
        "baggage": Context::current().baggage().iter().map(|(key, (value, _))| (key.to_string(), value.to_string()))
            .collect::<BTreeMap<_, _>>(),
    });
    let Some(next) = service.next else { return Json(json!([seen])) };
    PASSED.set(PASSED.get() + "/" + service.name);
    let answer = if service.name == "gateway" {
        CARD.set("4111-1111".to_owned());
        let cx = Context::current();
        let cx = cx.with_baggage([KeyValue::new("tenant", "Röd = Co"), KeyValue::new("k", "a=b==")]);
        ask(next).with_context(cx).await
    } else {
        tokio::spawn(ask(next)).await.unwrap()
    };
    let mut all = vec![seen];
    all.extend(answer.as_array().unwrap().clone());
    Json(Value::Array(all))
}

/// Asks a service. Nothing is said here about what travels along.
async fn ask(addr: SocketAddr) -> Value {
    let mut request = Request::builder().uri(format!("http://{addr}/")).body(Body::empty()).unwrap();
    propagator().inject_context(&Context::current(), &mut HeaderInjector(request.headers_mut()));
    let response = Client::builder(TokioExecutor::new()).build_http().request(request).await.unwrap();
    let body = to_bytes(Body::new(response.into_body()), usize::MAX).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// `gateway`, `orders` and `stock`, and the spans that they made.
struct Chain {
    gateway: SocketAddr,
    received: [Arc<Mutex<Vec<String>>>; 3],
    provider: SdkTracerProvider,
    spans: InMemorySpanExporter,
}

impl Chain {
    async fn start() -> Self {
        contextvars_opentelemetry::carry();
        let spans = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(spans.clone()).build();
        let received = [(); 3].map(|()| Arc::default());
        let mut next = None;
        for (name, received) in ["gateway", "orders", "stock"].into_iter().zip(&received).rev() {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let addr = listener.local_addr().unwrap();
            let service = Service { name, next, tracer: provider.tracer(name), received: Arc::clone(received) };
            let routes = Router::new()
                .route("/", get(handle))
                .layer(middleware::from_fn_with_state(service.clone(), in_context_of_request))
                .with_state(service);
            // A server is no child: it starts from nothing, as another process would.
            tokio::spawn_detached(async { serve(listener, routes).await });
            next = Some(addr);
        }
        Self { gateway: next.unwrap(), received, provider, spans }
    }

    /// All that was exported of a trace: the gateway's span, and those below it.
    fn spans_of(&self, trace: &str) -> Vec<SpanData> {
        self.provider.force_flush().unwrap();
        let mut spans = self.spans.get_finished_spans().unwrap();
        spans.retain(|span| span.span_context.trace_id().to_string() == trace);
        spans.sort_by(|one, other| one.name.cmp(&other.name));
        spans
    }
}

#[tokio::test]
async fn a_trace_goes_through_three_services_and_each_span_is_the_child_of_the_one_before() {
    let chain = Chain::start().await;
    let seen = ask(chain.gateway).await;
    let traces: Vec<_> = seen.as_array().unwrap().iter().map(|it| it["trace"].as_str().unwrap()).collect();
    assert_eq!(traces.len(), 3);
    assert!(traces.iter().all(|trace| *trace == traces[0]), "{traces:?}");
    let spans = chain.spans_of(traces[0]);
    assert_eq!(spans.iter().map(|span| &*span.name).collect::<Vec<_>>(), ["gateway", "orders", "stock"]);
    let parents: Vec<_> = spans.iter().map(|span| span.parent_span_id).collect();
    let ids: Vec<_> = spans.iter().map(|span| span.span_context.span_id()).collect();
    assert_eq!(parents, [SpanId::INVALID, ids[0], ids[1]]);
}

#[tokio::test]
async fn baggage_becomes_variables_and_variables_become_baggage_on_the_way() {
    let seen = ask(Chain::start().await.gateway).await;
    let seen: Vec<_> = seen
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["tenant"].clone(), it["passed"].clone(), it["baggage"].clone()))
        .collect();
    let baggage = |passed: &str| json!({ "tenant": "Röd = Co", "k": "a=b==", "passed": passed });
    assert_eq!(
        seen,
        [
            (json!(null), json!(""), json!({})),
            (json!("Röd = Co"), json!("/gateway"), baggage("/gateway")),
            (json!("Röd = Co"), json!("/gateway/orders"), baggage("/gateway/orders")),
        ]
    );
}

#[tokio::test]
async fn what_is_not_declared_to_travel_is_in_no_header() {
    let chain = Chain::start().await;
    ask(chain.gateway).await;
    for received in &chain.received[1..] {
        let headers = received.lock().unwrap().concat().to_lowercase();
        assert!(headers.contains("baggage") && headers.contains("traceparent"), "{headers}");
        assert!(!headers.contains("4111-1111") && !headers.contains("card"), "{headers}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_at_the_same_time_have_traces_of_their_own() {
    let chain = Chain::start().await;
    let requests: Vec<_> = (0..40).map(|_| tokio::spawn(ask(chain.gateway))).collect();
    let mut traces = Vec::new();
    for request in requests {
        let seen = request.await.unwrap();
        let trace = seen[0]["trace"].as_str().unwrap().to_owned();
        assert!(seen.as_array().unwrap().iter().all(|it| it["trace"] == *trace), "{seen}");
        assert_eq!(chain.spans_of(&trace).len(), 3);
        traces.push(trace);
    }
    traces.sort_unstable();
    traces.dedup();
    assert_eq!(traces.len(), 40);
}
