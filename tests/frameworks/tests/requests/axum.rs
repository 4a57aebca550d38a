//! axum: the order of layers, extractors, functions as middleware, websockets, streamed bodies, work in the background.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::body::Body;
use axum::error_handling::HandleErrorLayer;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{BoxError, Router};
use contextvars::headers::HeadersLayer;
use contextvars::tower::ContextLayer;
use contextvars::{ContextExt, context_var, inherit_context, with_context};
use futures_util::stream;
use reqwest::Client;
use tokio::sync::Barrier;
use tower::ServiceBuilder;

use crate::support::{REQUEST_ID, both, first_message, listen, none, own};

/// Set by a function as middleware, or by an extractor.
#[context_var(default = "none".to_owned())]
static USER: String;

/// The number in the request's header.
fn id_of(request: &Request) -> u64 {
    request.headers()["x-request-id"].to_str().expect("it is ASCII").parse().expect("it is a number")
}

async fn serve(app: Router) -> SocketAddr {
    let (listener, addr) = listen().await;
    tokio::spawn(async { axum::serve(listener, app).await });
    addr
}

/// The layer that most of these tests put around their routes.
fn identifying() -> ContextLayer<impl Fn(&Request) + Clone> {
    ContextLayer::new().init(|request: &Request| drop(REQUEST_ID.set(id_of(request))))
}

/// Where both requests of a test wait for each other.
fn meeting() -> Arc<Barrier> {
    Arc::new(Barrier::new(2))
}

#[tokio::test]
async fn a_request_has_its_own_values_in_handlers_and_in_what_they_call() {
    static MEETING: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(2));
    async fn orders() -> String {
        MEETING.wait().await;
        REQUEST_ID.get().to_string()
    }
    let app = Router::new()
        .route("/orders", get(orders))
        // The last layer is the outermost: all of the above runs in the request's context.
        .layer(ContextLayer::new().init(|request: &Request| {
            REQUEST_ID.set(id_of(request));
        }));
    assert_eq!(both(serve(app).await, "/orders").await, own(1));
}

#[tokio::test]
async fn without_a_layer_a_handler_has_no_values_and_cannot_set_any() {
    let handler = async || format!("{} {}", REQUEST_ID.get(), REQUEST_ID.try_set(7).is_err());
    let addr = serve(Router::new().route("/", get(handler))).await;
    let refused = || "0 true".to_owned();
    assert_eq!(both(addr, "/").await, (refused(), refused()));
}

/// Sets the variable before the handler.
async fn authenticate(request: Request, next: Next) -> Response {
    USER.set(format!("user {}", id_of(&request)));
    next.run(request).await
}

#[tokio::test]
async fn a_function_as_middleware_sets_variables_for_what_is_inside_of_it() {
    let meeting = meeting();
    let handler = async move || {
        meeting.wait().await;
        USER.get()
    };
    let app = Router::new().route("/", get(handler));
    let app = app.layer(from_fn(authenticate)).layer(ContextLayer::new());
    assert_eq!(both(serve(app).await, "/").await, ("user 1".to_owned(), "user 2".to_owned()));
}

#[tokio::test]
async fn a_function_outside_of_the_layer_reads_nothing_and_cannot_set() {
    async fn outside(request: Request, next: Next) -> Response {
        let seen = format!("{} {}", REQUEST_ID.get(), USER.try_set(String::new()).is_err());
        let _inner = next.run(request).await;
        format!("{seen} {}", REQUEST_ID.get()).into_response()
    }
    let app = Router::new().route("/", get(async || "done")).layer(identifying()).layer(from_fn(outside));
    let refused = || "0 true 0".to_owned();
    assert_eq!(both(serve(app).await, "/").await, (refused(), refused()));
}

#[tokio::test]
async fn a_function_with_a_scope_of_its_own_needs_no_layer_but_streamed_bodies_have_no_values() {
    async fn identify(request: Request, next: Next) -> Response {
        with_context!(REQUEST_ID = id_of(&request), async move { next.run(request).await }).await
    }
    let meeting = meeting();
    let handler = async move || {
        meeting.wait().await;
        REQUEST_ID.get().to_string()
    };
    let app = Router::new().route("/", get(handler)).route("/export", get(export)).layer(from_fn(identify));
    let addr = serve(app).await;
    assert_eq!(both(addr, "/").await, own(1));
    assert_eq!(both(addr, "/export").await, none(2));
}

/// An extractor that leaves what it found in a variable.
struct Authenticated;

impl<S: Sync> FromRequestParts<S> for Authenticated {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let id = parts.headers.get("x-request-id").ok_or(StatusCode::UNAUTHORIZED)?;
        USER.set(format!("user {}", id.to_str().map_err(|_| StatusCode::BAD_REQUEST)?));
        Ok(Self)
    }
}

#[tokio::test]
async fn an_extractor_sets_variables_for_the_handler_and_for_layers_that_it_returns_to() {
    async fn after(request: Request, next: Next) -> Response {
        let before = USER.get();
        let _inner = next.run(request).await;
        format!("{before}, then {}", USER.get()).into_response()
    }
    let meeting = meeting();
    let handler = async move |_: Authenticated| {
        meeting.wait().await;
    };
    let app = Router::new().route("/", get(handler)).layer(from_fn(after)).layer(ContextLayer::new());
    let then = |id| format!("none, then user {id}");
    assert_eq!(both(serve(app).await, "/").await, (then(1), then(2)));
}

static NEXT_ID: AtomicU64 = AtomicU64::new(100);

fn next_id() -> u64 {
    NEXT_ID.fetch_add(1, Ordering::Relaxed)
}

/// Two lines that are made when the handler has long returned.
async fn export() -> Body {
    let lines = stream::unfold(0, async |line| {
        tokio::task::yield_now().await;
        let separator = if line == 0 { " " } else { "" };
        (line < 2).then(|| (Ok::<_, Infallible>(format!("{}{separator}", REQUEST_ID.get())), line + 1))
    });
    Body::from_stream(lines)
}

#[tokio::test]
async fn the_headers_layer_reads_makes_and_returns_the_id_and_a_context_layer_within_is_for_bodies() {
    let app = Router::new()
        .route("/export", get(export))
        .layer(ContextLayer::new()) // for bodies that are streamed
        // Outside of it: each layer within has the values of the request.
        .layer(HeadersLayer::new().generate(&REQUEST_ID, next_id).echo([REQUEST_ID.variable()]));
    let addr = serve(app).await;
    assert_eq!(both(addr, "/export").await, own(2));
    // A request without an id gets one, in the handler and in the response.
    let response = Client::new().get(format!("http://{addr}/export")).send().await.expect("it answers");
    let id = response.headers()["x-request-id"].to_str().expect("it is ASCII").to_owned();
    assert_eq!(response.text().await.expect("the body is whole"), format!("{id} {id}"));
}

#[tokio::test]
async fn under_the_headers_layer_alone_a_streamed_body_has_no_values() {
    let app = Router::new().route("/export", get(export)).layer(HeadersLayer::new());
    assert_eq!(both(serve(app).await, "/export").await, none(2));
}

#[tokio::test]
async fn with_the_headers_layer_inside_a_streamed_body_has_no_values() {
    let app = Router::new().route("/export", get(export)).layer(HeadersLayer::new()).layer(ContextLayer::new());
    assert_eq!(both(serve(app).await, "/export").await, none(2));
}

#[context_var(header = "x-tenant")]
static TENANT: String;

async fn require_tenant(request: Request, next: Next) -> Response {
    if !TENANT.is_set() {
        return (StatusCode::BAD_REQUEST, "the header x-tenant is missing").into_response();
    }
    next.run(request).await
}

/// The responses to a request with the header, and to one without it.
async fn with_and_without_a_tenant(app: Router) -> [(StatusCode, String); 2] {
    let url = format!("http://{}/", serve(app).await);
    let (client, with) = (Client::new(), Client::new().get(&url).header("x-tenant", "acme"));
    let (with, without) = tokio::join!(with.send(), client.get(&url).send());
    let (with, without) = (with.expect("it answers"), without.expect("it answers"));
    let statuses = (with.status(), without.status());
    [
        (statuses.0, with.text().await.expect("the body is whole")),
        (statuses.1, without.text().await.expect("the body is whole")),
    ]
}

fn rejected() -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, "the header x-tenant is missing".to_owned())
}

#[tokio::test]
async fn a_request_without_a_required_header_is_rejected() {
    let handler = async || TENANT.get();
    let app = Router::new().route("/", get(handler)).layer(from_fn(require_tenant)).layer(ContextLayer::new());
    let app = app.layer(HeadersLayer::new());
    assert_eq!(with_and_without_a_tenant(app).await, [(StatusCode::OK, "acme".to_owned()), rejected()]);
}

#[tokio::test]
async fn outside_of_the_headers_layer_every_request_is_rejected() {
    let handler = async || TENANT.get();
    let app = Router::new().route("/", get(handler)).layer(HeadersLayer::new()).layer(from_fn(require_tenant));
    assert_eq!(with_and_without_a_tenant(app).await, [rejected(), rejected()]);
}

/// A clock, for which tests have another one.
#[context_var(default = 1_000)]
static CLOCK: u64;

fn app() -> Router {
    Router::new().route("/time", get(async || CLOCK.get().to_string()))
}

async fn get_from(addr: SocketAddr, path: &str) -> String {
    let response = Client::new().get(format!("http://{addr}{path}")).send().await.expect("it answers");
    response.text().await.expect("the body is whole")
}

#[contextvars::test]
async fn a_handler_sees_the_clock_of_the_test() {
    CLOCK.set(42);
    let app = app().layer(ContextLayer::from(inherit_context()));
    assert_eq!(get_from(serve(app).await, "/time").await, "42");
}

#[contextvars::test]
async fn without_a_layer_a_handler_does_not_see_the_clock_of_the_test() {
    CLOCK.set(42);
    assert_eq!(get_from(serve(app()).await, "/time").await, "1000");
}

/// Says whose socket it is.
async fn talk(mut socket: WebSocket) {
    let message = Message::text(format!("request {}", REQUEST_ID.get()));
    socket.send(message).await.expect("the client listens");
}

#[tokio::test]
async fn a_websocket_takes_its_requests_context_along() {
    async fn chat(upgrade: WebSocketUpgrade) -> Response {
        let ctx = inherit_context();
        upgrade.on_upgrade(|socket| talk(socket).in_context(ctx))
    }
    let addr = serve(Router::new().route("/chat", get(chat)).layer(identifying())).await;
    let said = tokio::join!(first_message(addr, "/chat", 1), first_message(addr, "/chat", 2));
    assert_eq!(said, ("request 1".to_owned(), "request 2".to_owned()));
}

#[tokio::test]
async fn a_websocket_whose_task_was_given_no_context_has_no_values() {
    let chat = async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(talk);
    let addr = serve(Router::new().route("/chat", get(chat)).layer(identifying())).await;
    let said = tokio::join!(first_message(addr, "/chat", 1), first_message(addr, "/chat", 2));
    assert_eq!(said, ("request 0".to_owned(), "request 0".to_owned()));
}

#[tokio::test]
async fn events_are_made_in_the_context_of_their_request_and_see_what_its_handler_set() {
    let meeting = meeting();
    let handler = async move || {
        USER.set(format!("user {}", REQUEST_ID.get()));
        let events = stream::once(async move {
            meeting.wait().await;
            Ok::<_, Infallible>(Event::default().data(format!("{} {}", REQUEST_ID.get(), USER.get())))
        });
        Sse::new(events)
    };
    let addr = serve(Router::new().route("/", get(handler)).layer(identifying())).await;
    let events = |id| format!("data: {id} user {id}\n\n");
    assert_eq!(both(addr, "/").await, (events(1), events(2)));
}

#[tokio::test]
async fn work_in_the_background_inherits_when_spawned_through_the_facade() {
    use contextvars::tokio;

    async fn index() -> u64 {
        tokio::task::yield_now().await;
        REQUEST_ID.get()
    }
    let meeting = meeting();
    let handler = async move || {
        let indexed = tokio::spawn(index());
        let of_no_request = tokio::spawn_detached(index());
        meeting.wait().await;
        format!("{} {}", indexed.await.expect("no panic"), of_no_request.await.expect("no panic"))
    };
    let addr = serve(Router::new().route("/", get(handler)).layer(identifying())).await;
    assert_eq!(both(addr, "/").await, ("1 0".to_owned(), "2 0".to_owned()));
}

#[tokio::test]
async fn work_that_tokio_itself_spawns_has_no_values() {
    let handler = async || tokio::spawn(async { REQUEST_ID.get() }).await.expect("no panic").to_string();
    let addr = serve(Router::new().route("/", get(handler)).layer(identifying())).await;
    assert_eq!(both(addr, "/").await, none(1));
}

/// What a client is told about an error.
async fn explain(error: BoxError) -> (StatusCode, String) {
    (StatusCode::SERVICE_UNAVAILABLE, format!("request {}: {error}", REQUEST_ID.get()))
}

const LIMIT: Duration = Duration::from_millis(1);

#[tokio::test]
async fn a_timeout_is_handled_in_the_context_of_its_request() {
    // In a `ServiceBuilder` the first layer is the outermost.
    let layers = ServiceBuilder::new()
        .layer(ContextLayer::new().init(|request: &Request| drop(REQUEST_ID.set(id_of(request)))))
        .layer(HandleErrorLayer::new(explain))
        .timeout(LIMIT);
    let app = Router::new().route("/", get(std::future::pending::<()>)).layer(layers);
    let late = |id| format!("request {id}: request timed out");
    assert_eq!(both(serve(app).await, "/").await, (late(1), late(2)));
}

#[tokio::test]
async fn a_timeout_that_is_handled_outside_of_the_layer_has_no_values() {
    let layers = ServiceBuilder::new().layer(HandleErrorLayer::new(explain)).layer(identifying()).timeout(LIMIT);
    let app = Router::new().route("/", get(std::future::pending::<()>)).layer(layers);
    let late = || "request 0: request timed out".to_owned();
    assert_eq!(both(serve(app).await, "/").await, (late(), late()));
}
