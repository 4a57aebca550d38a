//! The server, run as a program and asked over real sockets.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A running server; killed when dropped.
struct Server {
    process: Child,
    addr: SocketAddr,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Server {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_contextvars-renamed-server"));
        let mut process = command.arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().expect("the server starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output is piped")).lines();
        let listening = lines.find_map(|line| {
            line.expect("it prints text").strip_prefix("listening on ")?.split(';').next()?.parse().ok()
        });
        Self { process, addr: listening.expect("it says where it listens"), lines }
    }

    fn ask(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.addr).expect("the server accepts");
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").expect("it reads");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("it answers");
        response
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn every_line_says_whose_request_it_is_though_no_source_names_a_facade() {
    let mut server = Server::start();
    let response = server.ask("/total/tea,jam");
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n") && response.ends_with("\r\n\r\n9\n"), "{response}");
    let mut expected: BTreeSet<_> = [
        "tea looked up",
        "front searched for tea",
        "back searched for tea",
        "jam looked up",
        "front searched for jam",
        "back searched for jam",
        "postage weighed",
        "priced",
    ]
    .map(|message| format!("[1] {message}"))
    .into();
    while !expected.is_empty() {
        let line = server.lines.next().expect("the server runs").expect("it prints text");
        assert!(line == "[1] still searching" || expected.remove(&line), "{line}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_when_everything_is_noted() {
    let mut server = Server::start();
    for number in 1..=3 {
        assert!(server.ask("/total/tea").ends_with("6\n"), "request {number}");
    }
    let id = server.process.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &id]).status().expect("`kill` is there").success());
    let last = server.lines.by_ref().last().expect("it says goodbye").expect("it prints text");
    assert_eq!(last, "bye; 3 noted");
    assert!(server.process.wait().expect("it ends").success());
}
