//! `ContextLayer` in axum, on real sockets: who sees a request's context, and what becomes of it.

use std::any::Any;
use std::convert::Infallible;
use std::panic;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{self, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use contextvars::tower::ContextLayer;
use contextvars::{context_var, tokio};
use futures_util::Stream;
use http::StatusCode;
use http::request::Parts;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tower_http::catch_panic::CatchPanicLayer;

use crate::support::{REQUEST, Witness, Witnesses, client, id_of, request, serve, text};

/// Set by handlers, seen by what comes after them.
#[context_var(default = 0)]
static PAGE: u32;

/// A value that tells when it is freed.
#[context_var]
static OWNED: Witness;

/// The layer under test.
fn numbering() -> ContextLayer<impl Fn(&Request) + Clone> {
    ContextLayer::new().init(|request: &Request| {
        REQUEST.set(id_of(request));
    })
}

/// What an extractor saw.
struct Extracted(u32);

impl<S: Sync> FromRequestParts<S> for Extracted {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(REQUEST.get()))
    }
}

#[tokio::test]
async fn handlers_extractors_and_tasks_see_their_request() {
    let handler = |Extracted(id): Extracted| async move {
        let task = tokio::spawn(async { REQUEST.get() }).await.expect("it does not panic");
        let blocking = tokio::task::spawn_blocking(|| REQUEST.get()).await.expect("it does not panic");
        format!("{id} {} {task} {blocking}", REQUEST.get())
    };
    let addr = serve(Router::new().route("/", get(handler)).layer(numbering())).await;
    let client = client();
    for id in 1..=3 {
        let response = client.request(request(addr, "/", id)).await.expect("it answers");
        assert_eq!(text(response).await, format!("{id} {id} {id} {id}"));
    }
}

#[tokio::test]
async fn middleware_inside_the_layer_sees_the_context_before_and_after_the_handler_and_outside_does_not() {
    let (tell, mut told) = unbounded_channel();
    let watch = |place: &'static str| {
        let tell = tell.clone();
        from_fn(move |request: Request, next: Next| {
            let tell = tell.clone();
            async move {
                tell.send((place, REQUEST.get(), PAGE.get())).expect("the test listens");
                let response = next.run(request).await;
                tell.send((place, REQUEST.get(), PAGE.get())).expect("the test listens");
                response
            }
        })
    };
    let app = Router::new()
        .route("/", get(|| async { drop(PAGE.set(5)) }))
        .layer(watch("inside"))
        .layer(numbering())
        .layer(watch("outside"));
    let addr = serve(app).await;
    client().request(request(addr, "/", 7)).await.expect("it answers");
    let told: [_; 4] = std::array::from_fn(|_| told.try_recv().expect("told before the response was sent"));
    assert_eq!(told, [("outside", 0, 0), ("inside", 7, 0), ("inside", 7, 5), ("outside", 0, 0)]);
}

/// A body that is as long as the test wants it to be; each frame tells what its making saw.
struct Dictated {
    frames: UnboundedReceiver<&'static str>,
    _dropped: Witness,
}

impl Stream for Dictated {
    type Item = Result<String, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        self.frames.poll_recv(cx).map(|frame| frame.map(|text| Ok(format!("{text} {} {}", REQUEST.get(), PAGE.get()))))
    }
}

/// An app whose only body is dictated.
fn dictated(frames: UnboundedReceiver<&'static str>, dropped: Witness) -> Router {
    let body = Arc::new(Mutex::new(Some(Dictated { frames, _dropped: dropped })));
    let handler = move || async move {
        PAGE.set(5);
        let stream = body.lock().unwrap().take().expect("one request");
        Response::new(Body::from_stream(stream))
    };
    Router::new().route("/", get(handler))
}

#[tokio::test]
async fn a_body_that_is_streamed_after_the_handler_has_returned_sees_what_the_handler_set() {
    let (dictate, frames) = unbounded_channel();
    let (witnesses, mut dropped) = Witnesses::new();
    let addr = serve(dictated(frames, witnesses.witness()).layer(numbering())).await;
    // The response is here, so the handler is done.
    let mut body = client().request(request(addr, "/", 7)).await.expect("it answers").into_body();
    for word in ["one", "two", "three"] {
        dictate.send(word).expect("the body listens");
        let frame = body.frame().await.expect("a frame").expect("no error");
        assert_eq!(frame.into_data().expect("it is data"), format!("{word} 7 5"));
    }
    drop(dictate);
    assert!(body.frame().await.is_none());
    assert_eq!(dropped.recv().await, Some(7));
}

/// Sends a request of which the test reads as much as it likes.
async fn send_raw(addr: std::net::SocketAddr, id: u32) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.expect("the server listens");
    let head = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx-request: {id}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("the server reads");
    stream
}

/// Puts a value that tells when it is freed into each request's context.
fn owning(witnesses: Witnesses) -> ContextLayer<impl Fn(&Request) + Clone> {
    ContextLayer::new().init(move |request: &Request| {
        REQUEST.set(id_of(request));
        OWNED.set(witnesses.witness());
    })
}

#[tokio::test]
async fn when_the_client_leaves_in_mid_body_the_body_is_dropped_in_the_context_and_the_context_is_freed() {
    let (dictate, frames) = unbounded_channel();
    let (witnesses, mut dropped) = Witnesses::new();
    let (owned, mut freed) = Witnesses::new();
    let addr = serve(dictated(frames, witnesses.witness()).layer(owning(owned))).await;
    let mut stream = send_raw(addr, 7).await;
    dictate.send("one").expect("the body listens");
    let mut received = Vec::new();
    while !received.ends_with(b"one 7 5\r\n") {
        assert_ne!(stream.read_buf(&mut received).await.expect("no error"), 0);
    }
    drop(stream);
    assert_eq!(dropped.recv().await, Some(7));
    assert!(freed.recv().await.is_some());
}

#[tokio::test]
async fn when_the_client_leaves_before_the_handler_is_done_the_handler_is_dropped_in_the_context() {
    let (witnesses, mut dropped) = Witnesses::new();
    let (owned, mut freed) = Witnesses::new();
    let (started, mut has_started) = unbounded_channel();
    let handler = move || async move {
        let _dropped = witnesses.witness();
        started.send(()).expect("the test listens");
        std::future::pending::<()>().await;
    };
    let addr = serve(Router::new().route("/", get(handler)).layer(owning(owned))).await;
    let stream = send_raw(addr, 7).await;
    has_started.recv().await.expect("the handler starts");
    drop(stream);
    assert_eq!(dropped.recv().await, Some(7));
    assert!(freed.recv().await.is_some());
}

/// Answers with the request that the panic was caught in.
fn caught(_: Box<dyn Any + Send>) -> http::Response<String> {
    let mut response = http::Response::new(format!("caught in {}", REQUEST.get()));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

async fn boom() {
    panic::resume_unwind(Box::new("boom"))
}

#[tokio::test]
async fn a_panic_that_is_caught_outside_of_the_layer_ends_its_context_only() {
    let (owned, mut freed) = Witnesses::new();
    let app = Router::new()
        .route("/boom", get(boom))
        .route("/", get(|| async { REQUEST.get().to_string() }))
        .layer(owning(owned))
        .layer(CatchPanicLayer::custom(caught));
    let addr = serve(app).await;
    let client = client();
    for id in 1..=5 {
        let response = client.request(request(addr, "/boom", id)).await.expect("it answers");
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(text(response).await, "caught in 0");
        assert!(freed.recv().await.is_some());
        let response = client.request(request(addr, "/", id + 10)).await.expect("it answers");
        assert_eq!(text(response).await, (id + 10).to_string());
        assert!(freed.recv().await.is_some());
    }
}

#[tokio::test]
async fn a_panic_that_is_caught_inside_of_the_layer_is_handled_in_the_context() {
    let app = Router::new().route("/", get(boom)).layer(CatchPanicLayer::custom(caught)).layer(numbering());
    let addr = serve(app).await;
    let response = client().request(request(addr, "/", 7)).await.expect("it answers");
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(text(response).await, "caught in 7");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn five_hundred_requests_at_once_never_see_each_others_values() {
    const REQUESTS: usize = 500;
    rlimit::increase_nofile_limit(4096).expect("the limit of open files can be raised");
    let in_step = Arc::new(Barrier::new(REQUESTS));
    let handler = {
        let in_step = in_step.clone();
        move |Extracted(extracted): Extracted| async move {
            let id = REQUEST.get();
            assert_eq!(id, extracted);
            PAGE.set(id);
            // All handlers are under way at once, and in each round each may go on on another thread.
            for _ in 0..3 {
                in_step.wait().await;
                assert_eq!((REQUEST.get(), PAGE.get()), (id, id));
                let task = tokio::spawn(async { (REQUEST.get(), PAGE.get()) });
                assert_eq!(task.await.expect("it does not panic"), (id, id));
                PAGE.set(PAGE.get());
            }
            let step = in_step.clone();
            let body = futures_util::stream::once(async move {
                step.wait().await;
                Ok::<_, Infallible>(format!("{} {}", REQUEST.get(), PAGE.get()))
            });
            Body::from_stream(body)
        }
    };
    let addr = serve(Router::new().route("/", get(handler)).layer(numbering())).await;
    let mut clients = tokio::task::JoinSet::new();
    for id in 1..=u32::try_from(REQUESTS).expect("it is small") {
        clients.spawn(async move {
            let response = client().request(request(addr, "/", id)).await.expect("it answers");
            assert_eq!(text(response).await, format!("{id} {id}"));
        });
    }
    assert_eq!(clients.join_all().await.len(), REQUESTS);
}

#[tokio::test]
async fn bytes_of_an_ordinary_body_arrive_with_their_length() {
    let app = Router::new().route("/", get(|| async { Bytes::from_static(b"hello") })).layer(numbering());
    let response = client().request(request(serve(app).await, "/", 7)).await.expect("it answers");
    assert_eq!(response.headers()["content-length"], "5");
    assert_eq!(text(response).await, "hello");
}
