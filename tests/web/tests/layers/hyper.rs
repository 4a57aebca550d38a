//! `ContextLayer` and `ContextExecutor` in hyper itself, HTTP/1 and HTTP/2, on real sockets.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use contextvars::hyper::ContextExecutor;
use contextvars::tower::ContextLayer;
use contextvars::{Context, ContextExt, context_var, with_context};
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{ServiceBuilder, service_fn};

use crate::support::{HttpClient, REQUEST, TRANSACTION, Witness, Witnesses, id_of, request, text};

/// The connection that a request came by.
#[context_var(default = 0)]
static CONNECTION: u16;

/// A value that tells when it is freed.
#[context_var]
static OWNED: Witness;

/// Answers with what is known of the connection, of its transaction, and of the request.
async fn tell(_: Request<Incoming>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(format!("{} {} {}", CONNECTION.get(), TRANSACTION.get(), REQUEST.get())))
}

/// Serves HTTP/1 and HTTP/2, each connection in a context that knows its client's port.
async fn serve_by(executor: ContextExecutor<TokioExecutor>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let addr = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((stream, client)) = listener.accept().await {
            let layer = ContextLayer::new().init(|request: &Request<Incoming>| {
                REQUEST.set(id_of(request));
            });
            let service = ServiceBuilder::new().layer(layer).service(service_fn(tell));
            let server = auto::Builder::new(executor.clone());
            let connection = async move {
                CONNECTION.set(client.port());
                TRANSACTION.set(1);
                let service = TowerToHyperService::new(service);
                // The client may leave as it likes.
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            };
            tokio::spawn(connection.in_context(Context::new()));
        }
    });
    addr
}

fn inheriting() -> ContextExecutor<TokioExecutor> {
    ContextExecutor::inheriting(TokioExecutor::new())
}

fn detached() -> ContextExecutor<TokioExecutor> {
    ContextExecutor::detached(TokioExecutor::new())
}

fn client_by(executor: ContextExecutor<TokioExecutor>) -> HttpClient {
    Client::builder(executor).build_http()
}

/// Three answers, asked for at the same time over one HTTP/2 connection: known connection, transaction, request.
async fn answers_over_http2(server: ContextExecutor<TokioExecutor>) -> Vec<(bool, String, String)> {
    let addr = serve_by(server).await;
    let client: Client<_, Empty<Bytes>> = Client::builder(detached()).http2_only(true).build_http();
    let ask = |id| {
        let response = client.request(request(addr, "/", id));
        async { text(response.await.expect("it answers")).await }
    };
    // The first opens the connection that all use.
    let first = ask(1).await;
    let (second, third) = tokio::join!(ask(2), ask(3));
    let parts = |answer: String| {
        let parts: Vec<_> = answer.split(' ').map(str::to_owned).collect();
        (parts[0] != "0", parts[1].clone(), parts[2].clone())
    };
    [first, second, third].map(parts).into()
}

fn expected(knows_connection: bool) -> Vec<(bool, String, String)> {
    ["1", "2", "3"].map(|id| (knows_connection, "0".to_owned(), id.to_owned())).into()
}

#[tokio::test]
async fn http2_streams_of_an_inheriting_executor_know_their_connection_but_not_what_must_stay_behind() {
    assert_eq!(answers_over_http2(inheriting()).await, expected(true));
}

#[tokio::test]
async fn http2_streams_of_a_detached_executor_know_nothing_of_their_connection() {
    assert_eq!(answers_over_http2(detached()).await, expected(false));
}

#[tokio::test]
async fn http1_requests_run_in_their_connections_task_whatever_the_executor() {
    for executor in [inheriting(), detached()] {
        let addr = serve_by(executor).await;
        let client = client_by(detached());
        for id in 1..=2 {
            let answer = text(client.request(request(addr, "/", id)).await.expect("it answers")).await;
            assert!(answer.ends_with(&format!(" 0 {id}")) && !answer.starts_with("0 "), "{answer}");
        }
    }
}

/// Makes a request in a context that owns a witness, over a pool of connections; then leaves the context.
async fn request_with_a_witness(client: &HttpClient, addr: SocketAddr, witness: Witness) {
    with_context!(OWNED = witness, async {
        let response = client.request(request(addr, "/", 7)).await.expect("it answers");
        assert!(text(response).await.ends_with(" 7"));
    })
    .await;
}

#[tokio::test]
async fn a_pooled_connection_that_is_detached_does_not_keep_the_context_of_the_request_that_opened_it() {
    let addr = serve_by(detached()).await;
    let (witnesses, mut freed) = Witnesses::new();
    let client = client_by(detached());
    request_with_a_witness(&client, addr, witnesses.witness()).await;
    // The connection is still there, in the client's pool; the value is not.
    assert!(freed.try_recv().is_ok());

    let client = client_by(inheriting());
    request_with_a_witness(&client, addr, witnesses.witness()).await;
    assert!(freed.try_recv().is_err(), "an inheriting connection keeps what it inherited");
    drop(client);
    assert!(freed.recv().await.is_some());
}
