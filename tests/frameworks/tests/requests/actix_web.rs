//! actix-web: a function as middleware, streamed bodies, tasks and blocking functions, and headers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::LazyLock;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::middleware::{Next, from_fn};
use actix_web::{App, Error, HttpResponse, HttpServer, Route, rt, web};
use bytes::Bytes;
use contextvars::headers::{self, Extractor};
use contextvars::{ContextExt, inherit_context, with_context};
use futures_util::StreamExt;
use futures_util::stream::{self, Stream};
use tokio::sync::Barrier;

use crate::support::{REQUEST_ID, both, none, own};

/// Where both requests of a test wait for each other.
const fn meeting() -> LazyLock<Barrier> {
    LazyLock::new(|| Barrier::new(2))
}

/// The number in the request's header.
fn id_of(req: &ServiceRequest) -> u64 {
    req.headers().get("x-request-id").and_then(|id| id.to_str().ok()?.parse().ok()).expect("every request has an id")
}

async fn identify(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    with_context!(REQUEST_ID = id_of(&req), async move { next.call(req).await }).await
}

/// Serves on one worker, so that one thread handles both requests of a test.
macro_rules! serve {
    ($server:expr) => {{
        let server = $server.workers(1).disable_signals().bind(("127.0.0.1", 0)).expect("a port is free");
        let addr = server.addrs()[0];
        tokio::spawn(server.run());
        addr
    }};
}

/// The same, with one route in the middleware.
fn serve_identified(route: fn() -> Route) -> SocketAddr {
    serve!(HttpServer::new(move || App::new().route("/", route()).wrap(from_fn(identify))))
}

#[tokio::test]
async fn a_request_has_its_own_values_in_handlers_and_in_what_they_call() {
    static MEETING: LazyLock<Barrier> = meeting();
    async fn orders() -> String {
        MEETING.wait().await;
        REQUEST_ID.get().to_string()
    }
    let server = HttpServer::new(|| App::new().route("/orders", web::get().to(orders)).wrap(from_fn(identify)));
    assert_eq!(both(serve!(server), "/orders").await, own(1));
}

#[tokio::test]
async fn without_middleware_a_handler_has_no_values_and_cannot_set_any() {
    let handler = async || format!("{} {}", REQUEST_ID.get(), REQUEST_ID.try_set(7).is_err());
    let server = HttpServer::new(move || App::new().route("/", web::get().to(handler)));
    let refused = || "0 true".to_owned();
    assert_eq!(both(serve!(server), "/").await, (refused(), refused()));
}

/// Two lines that are made when the handler has long returned.
fn lines() -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::iter(["", " "]).then(async |separator| {
        tokio::task::yield_now().await;
        Ok(Bytes::from(format!("{separator}{}", REQUEST_ID.get())))
    })
}

#[tokio::test]
async fn a_streamed_body_takes_its_requests_context_along() {
    async fn export() -> HttpResponse {
        HttpResponse::Ok().streaming(lines().in_current_context())
    }
    let addr = serve_identified(|| web::get().to(export));
    assert_eq!(both(addr, "/").await, own(2));
}

#[tokio::test]
async fn a_streamed_body_without_a_context_has_no_values() {
    let addr = serve_identified(|| web::get().to(async || HttpResponse::Ok().streaming(lines())));
    assert_eq!(both(addr, "/").await, none(2));
}

/// Work in a task.
async fn index() -> u64 {
    tokio::task::yield_now().await;
    REQUEST_ID.get()
}

/// Work that blocks its thread.
fn render() -> u64 {
    REQUEST_ID.get()
}

#[tokio::test]
async fn tasks_and_blocking_functions_of_actix_take_the_context_along() {
    static MEETING: LazyLock<Barrier> = meeting();
    async fn handler() -> String {
        let indexed = rt::spawn(index().in_inherited_context());
        let rendered = web::block(inherit_context().wrap_once(render));
        MEETING.wait().await;
        format!("{} {}", indexed.await.expect("no panic"), rendered.await.expect("no panic"))
    }
    let addr = serve_identified(|| web::get().to(handler));
    assert_eq!(both(addr, "/").await, own(2));
}

#[tokio::test]
async fn tasks_and_blocking_functions_of_actix_alone_have_no_values() {
    async fn handler() -> String {
        let (indexed, rendered) = (rt::spawn(index()), web::block(render));
        format!("{} {}", indexed.await.expect("no panic"), rendered.await.expect("no panic"))
    }
    let addr = serve_identified(|| web::get().to(handler));
    assert_eq!(both(addr, "/").await, none(2));
}

#[tokio::test]
async fn local_tasks_and_blocking_functions_of_the_facade_inherit() {
    use contextvars::tokio;

    static MEETING: LazyLock<Barrier> = meeting();
    async fn handler() -> String {
        let indexed = tokio::task::spawn_local(index());
        let rendered = tokio::task::spawn_blocking(render);
        MEETING.wait().await;
        format!("{} {}", indexed.await.expect("no panic"), rendered.await.expect("no panic"))
    }
    let addr = serve_identified(|| web::get().to(handler));
    assert_eq!(both(addr, "/").await, own(2));
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn each_value(&self, name: &str, f: &mut dyn FnMut(&[u8])) {
        self.0.get_all(name).for_each(|value| f(value.as_bytes()));
    }
}

async fn read_headers(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let (ctx, _) = headers::extract(&Headers(req.headers()), inherit_context());
    async move { next.call(req).await }.in_context(ctx).await
}

#[tokio::test]
async fn variables_are_read_from_the_headers_of_each_request() {
    static MEETING: LazyLock<Barrier> = meeting();
    async fn handler() -> String {
        MEETING.wait().await;
        REQUEST_ID.get().to_string()
    }
    let server = HttpServer::new(|| App::new().route("/", web::get().to(handler)).wrap(from_fn(read_headers)));
    assert_eq!(both(serve!(server), "/").await, own(1));
}
