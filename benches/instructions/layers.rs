//! A request through each layer, from the call to the response: beside the same request without it.

use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use contextvars::baggage::{BaggageLayer, InjectBaggageLayer};
use contextvars::context_var;
use contextvars::headers::{HeadersLayer, InjectHeadersLayer, Settings};
use contextvars::tower::{AnyContextLayer, ContextLayer};
use contextvars_benches::baggage;
use http::{Request, Response};
use tower::{Layer, Service, service_fn};

use crate::callgrind::count;

#[context_var(header = "x-request-id", default = 0)]
static REQUEST_ID: u64;

type Answer = Result<Response<u64>, ()>;

/// Answers at once.
fn answer<R>(request: R) -> Ready<Answer> {
    black_box(request);
    ready(Ok(Response::new(0)))
}

/// Counts a request that comes with a header.
fn count_request<S: Service<Request<()>>>(name: &str, header: &'static str, value: &'static str, mut service: S) {
    let request = || Request::builder().header(header, value).body(()).expect("it is valid");
    count(&format!("request, {name}"), || {
        let response = pin!(service.call(request()));
        response.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    });
}

pub(crate) fn perform() {
    let plain = || service_fn(answer::<Request<()>>);
    let received = || {
        service_fn(|_: Request<()>| -> Ready<Answer> {
            assert!(REQUEST_ID.is_set(), "it came along");
            ready(Ok(Response::new(0)))
        })
    };
    count_request("no layer", "x-request-id", "7", plain());
    count_request("ContextLayer", "x-request-id", "7", ContextLayer::new().layer(plain()));
    count_request("AnyContextLayer", "x-request-id", "7", AnyContextLayer::new().layer(plain()));
    let layer = || HeadersLayer::of(Settings::new().only([REQUEST_ID.variable()]));
    count_request("HeadersLayer, 1 header", "x-request-id", "7", layer().layer(received()));
    count_request("HeadersLayer, 1 generated", "accept", "7", layer().generate(&REQUEST_ID, || 7).layer(received()));
    let echoing = layer().echo([REQUEST_ID.variable()]);
    count_request("HeadersLayer, 1 header and its echo", "x-request-id", "7", echoing.layer(received()));
    count_request("BaggageLayer, 1 member", "baggage", "hops=7", BaggageLayer::new().layer(plain()));

    baggage::context().with(&REQUEST_ID, 7).run(|| {
        count_request("InjectHeadersLayer, 1 header", "accept", "7", InjectHeadersLayer::new().layer(plain()));
        count_request("InjectBaggageLayer, 4 members", "accept", "7", InjectBaggageLayer::new().layer(plain()));
    });

    let mut service = service_fn(answer::<u64>);
    count("call, no layer", || is_ready(service.call(7)));
    let mut service = AnyContextLayer::new().layer(service_fn(answer::<u64>));
    count("call, AnyContextLayer", || is_ready(service.call(7)));
}

fn is_ready(future: impl Future<Output = Answer>) -> bool {
    matches!(pin!(future).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(_)))
}
