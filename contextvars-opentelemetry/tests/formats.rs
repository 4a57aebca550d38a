//! `traceparent` as a format of headers, with the public API alone: for the layers of `contextvars::headers`.

use std::collections::HashMap;
use std::convert::Infallible;
use std::str;

use axum::http::{HeaderMap, Request, Response};
use contextvars::headers::{self, ExtractLayer, Extractor, Format, InjectLayer, Injector, Skipped};
use contextvars::{Context as Variables, context_var, inherit_context, tokio};
use contextvars_opentelemetry::carry;
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tower::{Layer, ServiceExt, service_fn};

/// The headers of any propagator of OpenTelemetry's, whose context a request then carries.
#[derive(Clone, Debug)]
struct Propagated<P>(P);

impl<P: TextMapPropagator> Format for Propagated<P> {
    fn extract(&self, headers: &dyn Extractor, mut context: Variables) -> (Variables, Vec<Skipped>) {
        let mut received = HashMap::new();
        for name in self.0.fields() {
            headers.each_value(name, &mut |value| {
                received.extend(str::from_utf8(value).map(|value| (name.to_owned(), value.to_owned())));
            });
        }
        let cx = self.0.extract_with_context(&Context::new(), &received);
        let child = context.run(|| {
            // Within, since `context` attaches the one that it carries itself.
            let _attached = cx.attach();
            inherit_context()
        });
        (child, Vec::new())
    }

    fn inject(&self, headers: &mut dyn Injector) -> Vec<Skipped> {
        let mut sent = HashMap::new();
        self.0.inject_context(&Context::current(), &mut sent);
        self.0.fields().for_each(|name| headers.set(name, sent.remove(name)));
        Vec::new()
    }

    fn remove(&self, headers: &mut dyn Injector) {
        self.0.fields().for_each(|name| headers.set(name, None));
    }
}

#[context_var(header = "x-request-id", default = 0)]
static REQUEST_ID: u64;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn format() -> (Propagated<TraceContextPropagator>, headers::Settings) {
    carry();
    (Propagated(TraceContextPropagator::new()), headers::Settings::new())
}

/// A client that answers with the headers that it would have sent.
async fn sent(request: Request<()>) -> Result<HeaderMap, Infallible> {
    Ok(request.headers().clone())
}

#[tokio::test]
async fn a_trace_goes_through_the_layers_as_a_format_of_its_own() {
    let client = InjectLayer::of(format()).layer(service_fn(sent));
    let service = ExtractLayer::of(format()).layer(service_fn(move |_: Request<()>| {
        let asked = client.clone().oneshot(Request::new(()));
        async move {
            let span = Context::current().span().span_context().clone();
            assert!(span.is_remote() || !span.is_valid());
            // In a task of its own, too.
            let asked = tokio::spawn(async { (Context::current().span().span_context().clone(), asked.await) });
            let (in_task, Ok(headers)) = asked.await.expect("the task ends");
            assert_eq!(in_task, span);
            Ok::<_, Infallible>(Response::new(headers))
        }
    }));
    let request = Request::builder().header("traceparent", PARENT).header("x-request-id", "7");
    let Ok(response) = service.clone().oneshot(request.body(()).expect("it is valid")).await;
    assert_eq!(response.body()["traceparent"], PARENT);
    assert_eq!(response.body()["x-request-id"], "7");

    let Ok(response) = service.oneshot(Request::new(())).await;
    assert!(response.body().get("traceparent").is_none(), "the next request has no trace: {response:?}");
    assert!(!Context::current().span().span_context().is_valid());
}

#[tokio::test]
async fn where_nothing_is_to_be_sent_no_trace_is() {
    let layer = InjectLayer::of(format()).by_destination(|_| None);
    let request = Request::builder().header("traceparent", PARENT).header("x-request-id", "7").header("accept", "*/*");
    let Ok(headers) = layer.layer(service_fn(sent)).oneshot(request.body(()).expect("it is valid")).await;
    assert_eq!(headers.keys().collect::<Vec<_>>(), ["accept"]);
}
