//! Two clients at the same time, and the variable of their requests.

use std::net::SocketAddr;

use contextvars::{context_var, with_context};
use reqwest::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The number that a client gave its request, or 0 where no request is known.
#[context_var(header = "x-request-id", default = 0)]
pub(crate) static REQUEST_ID: u64;

/// A port for a server.
pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let addr = listener.local_addr().expect("it is bound");
    (listener, addr)
}

/// The response's body, if its client names the request so.
pub(crate) async fn answer(addr: SocketAddr, path: &str, id: u64) -> String {
    let request = Client::new().get(format!("http://{addr}{path}")).header("x-request-id", id);
    request.send().await.expect("it answers").text().await.expect("the body is whole")
}

/// The responses' bodies of requests 1 and 2, which are made at the same time. Their handlers may wait for each other.
pub(crate) async fn both(addr: SocketAddr, path: &str) -> (String, String) {
    tokio::join!(answer(addr, path, 1), answer(addr, path, 2))
}

/// The same bodies as `both` returns, for a request that sees its own number in all places.
pub(crate) fn own(places: usize) -> (String, String) {
    (vec!["1"; places].join(" "), vec!["2"; places].join(" "))
}

/// The same for requests that see none.
pub(crate) fn none(places: usize) -> (String, String) {
    (vec!["0"; places].join(" "), vec!["0"; places].join(" "))
}

/// The first message of a server that speaks websocket.
pub(crate) async fn first_message(addr: SocketAddr, path: &str, id: u64) -> String {
    let mut socket = TcpStream::connect(addr).await.expect("the server listens");
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nx-request-id: {id}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.expect("the server reads");
    let mut received = Vec::new();
    while !received.ends_with(b"\r\n\r\n") {
        received.push(socket.read_u8().await.expect("the server agrees"));
    }
    // A whole message of text, whose length is below 126.
    assert_eq!(socket.read_u8().await.expect("a message"), 0x81);
    let mut text = vec![0; socket.read_u8().await.expect("its length").into()];
    socket.read_exact(&mut text).await.expect("its text");
    String::from_utf8(text).expect("it is UTF-8")
}

/// The answers that two callers get at the same time, one in the context of request 1, the other in that of request 2.
pub(crate) async fn both_callers<F: Future<Output = String>>(call: impl Fn() -> F) -> (String, String) {
    let first = with_context!(REQUEST_ID = 1, async { call().await });
    let second = with_context!(REQUEST_ID = 2, async { call().await });
    tokio::join!(first, second)
}
