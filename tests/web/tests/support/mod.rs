//! Servers on real sockets, and values that tell when and where they are dropped.

#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod codec;

use std::net::SocketAddr;

use axum::Router;
use bytes::Bytes;
use contextvars::context_var;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The request that the code at hand works for.
#[context_var(default = 0)]
pub(crate) static REQUEST: u32;

/// Something that no other task may see.
#[context_var(default = 0, inherit = false)]
pub(crate) static TRANSACTION: u32;

/// Makes witnesses.
#[derive(Clone)]
pub(crate) struct Witnesses(UnboundedSender<u32>);

/// Tells in its `Drop` in which request it is.
pub(crate) struct Witness(UnboundedSender<u32>);

impl Witnesses {
    /// A source of witnesses, and what they tell.
    pub(crate) fn new() -> (Self, UnboundedReceiver<u32>) {
        let (sender, receiver) = unbounded_channel();
        (Self(sender), receiver)
    }

    pub(crate) fn witness(&self) -> Witness {
        Witness(self.0.clone())
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        // The test may have ended.
        let _ = self.0.send(REQUEST.get());
    }
}

/// The id that a client gave its request.
pub(crate) fn id_of<B>(request: &Request<B>) -> u32 {
    let id = request.headers().get("x-request").expect("every request has an id");
    id.to_str().expect("it is ASCII").parse().expect("it is a number")
}

/// Serves the app in a task that knows nothing of contexts.
pub(crate) async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let addr = listener.local_addr().expect("it is bound");
    tokio::spawn(async { axum::serve(listener, app).await });
    addr
}

pub(crate) type HttpClient = Client<HttpConnector, Empty<Bytes>>;

pub(crate) fn client() -> HttpClient {
    Client::builder(TokioExecutor::new()).build_http()
}

/// A request with an id.
pub(crate) fn request(addr: SocketAddr, path: &str, id: u32) -> Request<Empty<Bytes>> {
    let uri = format!("http://{addr}{path}");
    Request::get(uri).header("x-request", id).body(Empty::new()).expect("a valid request")
}

/// The whole body as text.
pub(crate) async fn text<B>(response: Response<B>) -> String
where
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let bytes = response.into_body().collect().await.expect("the body is whole").to_bytes();
    String::from_utf8(bytes.to_vec()).expect("it is UTF-8")
}
