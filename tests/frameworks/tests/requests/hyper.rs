//! hyper without tower: a function for each request, streamed bodies, and what HTTP/2 spawns.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use contextvars::hyper::ContextExecutor;
use contextvars::{ContextExt, context_var, with_context};
use futures_util::StreamExt;
use futures_util::stream::{self, Stream};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::client;
use hyper::rt::bounds::Http2ServerConnExec;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::Barrier;

use crate::support::{REQUEST_ID, both, listen, none, own};

/// The client of the connection.
#[context_var(default = 0)]
static PORT: u16;

/// The number in the request's header.
fn id_of(request: &Request<Incoming>) -> u64 {
    request.headers()["x-request-id"].to_str().expect("it is ASCII").parse().expect("it is a number")
}

/// Serves HTTP/1, each connection in a task that hyper's own examples would spawn.
async fn serve<S, B>(service: S) -> SocketAddr
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send> + Clone + Send + 'static,
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let (listener, addr) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone()));
        }
    });
    addr
}

#[tokio::test]
async fn a_request_has_its_own_values_in_its_function_and_in_what_that_calls() {
    static MEETING: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(2));
    async fn orders(_: Request<Incoming>) -> Result<Response<String>, Infallible> {
        MEETING.wait().await;
        Ok(Response::new(REQUEST_ID.get().to_string()))
    }
    let service = service_fn(|request: Request<Incoming>| {
        with_context!(REQUEST_ID = id_of(&request), async move { orders(request).await })
    });
    assert_eq!(both(serve(service).await, "/").await, own(1));
}

/// Sets a variable, if it can, and says what it was before.
async fn visit(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    let before = REQUEST_ID.get();
    let refused = REQUEST_ID.try_set(id_of(&request)).is_err();
    Ok(Response::new(format!("{before} {refused}")))
}

#[tokio::test]
async fn in_the_task_of_a_connection_that_tokio_itself_spawned_a_function_has_no_values_and_cannot_set_any() {
    let refused = || "0 true".to_owned();
    assert_eq!(both(serve(service_fn(visit)).await, "/").await, (refused(), refused()));
}

#[tokio::test]
async fn a_connection_has_one_context_in_which_a_request_sees_what_the_one_before_has_set() {
    let (client, server) = tokio::io::duplex(1024);
    let connection = http1::Builder::new().serve_connection(TokioIo::new(server), service_fn(visit));
    contextvars::tokio::spawn(connection);
    let (mut sender, client) = client::conn::http1::handshake(TokioIo::new(client)).await.expect("it connects");
    tokio::spawn(client);
    let mut said = Vec::new();
    for id in 1..=3 {
        let request = Request::builder().header("x-request-id", id).body(Empty::<Bytes>::new()).expect("it is valid");
        sender.ready().await.expect("the connection is open");
        said.push(text(sender.send_request(request).await.expect("it answers")).await);
    }
    assert_eq!(said, ["0 false", "1 false", "2 false"]);
}

/// Two lines that are made when the function has long returned.
fn lines() -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> {
    stream::iter(["", " "]).then(async |separator| {
        tokio::task::yield_now().await;
        Ok(Frame::data(Bytes::from(format!("{separator}{}", REQUEST_ID.get()))))
    })
}

#[tokio::test]
async fn a_streamed_body_takes_its_requests_context_along() {
    let service = service_fn(|request: Request<Incoming>| {
        with_context!(REQUEST_ID = id_of(&request), async {
            Ok(Response::new(StreamBody::new(lines()).in_current_context()))
        })
    });
    assert_eq!(both(serve(service).await, "/").await, own(2));
}

#[tokio::test]
async fn a_streamed_body_without_a_context_has_no_values() {
    let service = service_fn(|request: Request<Incoming>| {
        with_context!(REQUEST_ID = id_of(&request), async { Ok(Response::new(StreamBody::new(lines()))) })
    });
    assert_eq!(both(serve(service).await, "/").await, none(2));
}

async fn text(response: Response<Incoming>) -> String {
    let bytes = response.into_body().collect().await.expect("the body is whole").to_bytes();
    String::from_utf8(bytes.to_vec()).expect("it is UTF-8")
}

/// The answers to two requests at the same time, over one connection of HTTP/2 to which a client has come by `PORT`.
async fn both_over_http2<S, B, E>(executor: E, service: S) -> (String, String)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send> + Send + 'static,
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
    E: Http2ServerConnExec<S::Future, B> + Send + 'static,
{
    let (client, stream) = tokio::io::duplex(1024);
    let connection = http2::Builder::new(executor).serve_connection(TokioIo::new(stream), service);
    tokio::spawn(with_context!(PORT = 4711, async move { connection.await }));
    let io = TokioIo::new(client);
    let (sender, client) = client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("it connects");
    tokio::spawn(client);
    let ask = async |id: u64| {
        let request = Request::builder().header("x-request-id", id).body(Empty::<Bytes>::new()).expect("it is valid");
        text(sender.clone().send_request(request).await.expect("it answers")).await
    };
    tokio::join!(ask(1), ask(2))
}

/// Says what is known of the connection and of the request, when both requests are here.
async fn tell(meeting: Arc<Barrier>) -> Result<Response<String>, Infallible> {
    meeting.wait().await;
    Ok(Response::new(format!("{} {}", PORT.get(), REQUEST_ID.get())))
}

#[tokio::test]
async fn a_function_with_a_scope_needs_no_executor_of_its_own_over_http2() {
    let meeting = Arc::new(Barrier::new(2));
    let service = service_fn(move |request: Request<Incoming>| {
        let meeting = Arc::clone(&meeting);
        with_context!(REQUEST_ID = id_of(&request), async move { tell(meeting).await })
    });
    let answers = both_over_http2(TokioExecutor::new(), service).await;
    assert_eq!(answers, ("4711 1".to_owned(), "4711 2".to_owned()));
}

/// The same function without a scope.
async fn both_without_a_scope<E>(executor: E) -> (String, String)
where
    E: Http2ServerConnExec<Pin<Box<dyn Future<Output = Result<Response<String>, Infallible>> + Send>>, String>,
    E: Send + 'static,
{
    let meeting = Arc::new(Barrier::new(2));
    let service = service_fn(move |_| {
        let told: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(tell(Arc::clone(&meeting)));
        told
    });
    both_over_http2(executor, service).await
}

#[tokio::test]
async fn what_http2_spawns_inherits_from_its_connection_by_an_executor_and_otherwise_has_no_values() {
    let connected = || "4711 0".to_owned();
    let executor = ContextExecutor::inheriting(TokioExecutor::new());
    assert_eq!(both_without_a_scope(executor).await, (connected(), connected()));
    assert_eq!(both_without_a_scope(TokioExecutor::new()).await, none(2));
}
