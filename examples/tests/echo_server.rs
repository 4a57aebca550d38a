//! The echo server, run as a program and talked to by real clients.

mod support;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use support::example;
use support::server::Server;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::sync::Barrier;

impl Server {
    fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.addr).expect("the server accepts");
        Client { addr: stream.local_addr().expect("connected"), stream: BufReader::new(stream) }
    }
}

struct Client {
    stream: BufReader<TcpStream>,
    addr: SocketAddr,
}

impl Client {
    fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).expect("the server reads");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("the server answers");
        line
    }

    /// Has a whole conversation, which must go as documented.
    fn converse(mut self) {
        self.send(b"hello\n");
        assert_eq!(self.line(), "hello\n");
        self.send(b"\n");
        assert_eq!(self.line(), format!("Good bye, client @ {}\n", self.addr));
        assert_eq!(self.line(), "", "the server closes the connection");
    }
}

#[test]
fn a_client_gets_its_lines_and_its_own_address_back() {
    Server::start("echo_server").connect().converse();
}

#[test]
fn a_thousand_interleaved_clients_each_get_their_own_address_back() {
    const CLIENTS: usize = 1000;
    rlimit::increase_nofile_limit(4096).expect("the limit of open files can be raised");
    let server = Server::start("echo_server");
    let addr = server.addr;
    let in_step = Arc::new(Barrier::new(CLIENTS));

    let client = |n: usize, in_step: Arc<Barrier>| async move {
        let stream = tokio::net::TcpStream::connect(addr).await?;
        let own = stream.local_addr()?;
        let mut stream = tokio::io::BufReader::new(stream);
        // All are connected, and in each round all lines are under way at once.
        for round in 0..3 {
            in_step.wait().await;
            let sent = format!("client {n}, round {round}\n");
            stream.write_all(sent.as_bytes()).await?;
            let mut echoed = String::new();
            stream.read_line(&mut echoed).await?;
            assert_eq!(echoed, sent);
        }
        in_step.wait().await;
        stream.write_all(b"\n").await?;
        let mut goodbye = String::new();
        stream.read_line(&mut goodbye).await?;
        assert_eq!(goodbye, format!("Good bye, client @ {own}\n"));
        io::Result::Ok(own)
    };

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut addrs = runtime.block_on(async {
        let mut clients = tokio::task::JoinSet::new();
        for n in 0..CLIENTS {
            clients.spawn(client(n, in_step.clone()));
        }
        clients.join_all().await.into_iter().collect::<io::Result<Vec<_>>>().expect("no client fails")
    });
    addrs.sort();
    addrs.dedup();
    assert_eq!(addrs.len(), CLIENTS);
}

#[test]
fn a_client_that_vanishes_in_mid_line_does_not_disturb_the_others() {
    let server = Server::start("echo_server");
    let mut staying = server.connect();
    staying.send(b"still ");
    let mut vanishing = server.connect();
    vanishing.send(b"half a li");
    let vanished = vanishing.addr;
    drop(vanishing);
    server.wait_for_line(&format!("{vanished}: closed: the client left in the middle of a line"));
    staying.send(b"here\n");
    assert_eq!(staying.line(), "still here\n");
    server.connect().converse();
}

#[test]
fn a_line_that_is_not_utf8_is_answered_with_an_error() {
    let server = Server::start("echo_server");
    let mut client = server.connect();
    client.send(b"\xff\xfe\n");
    assert_eq!(client.line(), "error: a line is not UTF-8\n");
    server.wait_for_line(&format!("{}: closed: a line is not UTF-8", client.addr));
    server.connect().converse();
}

#[test]
fn a_line_that_is_too_long_is_answered_with_an_error() {
    let server = Server::start("echo_server");
    let mut client = server.connect();
    // Far more than is read before the refusal: closing with that unread would reset the connection.
    client.send(&vec![b'x'; 1024 * 1024]);
    assert_eq!(client.line(), "error: a line is longer than 65536 bytes\n");
    server.connect().converse();
}

#[test]
fn a_port_in_use_is_named_in_the_message() {
    let server = Server::start("echo_server");
    let second = example("echo_server").arg(server.addr.to_string()).output().expect("it starts");
    assert_eq!(second.status.code(), Some(1));
    let message = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(message.contains(&format!("cannot listen on {}", server.addr)), "{message}");
    assert!(message.contains("give another address as the first argument"), "{message}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_server_cleanly() {
    let mut server = Server::start("echo_server");
    // A conversation first: by then the server is past its start-up and listens for the signal.
    server.connect().converse();
    let mut open = server.connect();
    open.send(b"one\n");
    assert_eq!(open.line(), "one\n");
    server.interrupt();
    assert!(server.wait().success());
    server.wait_for_line("bye");
    let mut rest = Vec::new();
    // The connection ends, by a close or a reset.
    let _ = open.stream.read_to_end(&mut rest);
    assert_eq!(rest, b"");
}
