//! The axum server, run as a program and asked over real sockets.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;

use support::server::Server;

/// Sends a request and returns the whole response.
fn ask(server: &Server, path: &str, id: Option<&str>) -> String {
    let mut stream = TcpStream::connect(server.addr).expect("the server accepts");
    let header = id.map(|id| format!("x-request-id: {id}\r\n")).unwrap_or_default();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{header}\r\n").expect("it reads");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("it answers");
    response
}

#[test]
fn a_request_is_known_by_its_clients_name_in_handler_task_and_response() {
    let server = Server::start("axum_requests");
    let response = ask(&server, "/hello/ada", Some("42"));
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(response.contains("x-request-id: 42\r\n"), "{response}");
    assert!(response.ends_with("\r\n\r\nhello ada\n"), "{response}");
    server.wait_for_line("[42] hello ada");
    server.wait_for_line("[42] greeting counted");
}

#[test]
fn a_streamed_body_knows_its_request_and_requests_without_a_name_are_numbered() {
    let server = Server::start("axum_requests");
    for number in ["1", "2"] {
        let response = ask(&server, "/count/3", None);
        assert!(response.contains(&format!("x-request-id: {number}\r\n")), "{response}");
        server.wait_for_line(&format!("[{number}] counting"));
        for line in 1..=3 {
            server.wait_for_line(&format!("[{number}] line {line}"));
        }
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_server_cleanly() {
    let mut server = Server::start("axum_requests");
    ask(&server, "/hello/ada", None);
    server.interrupt();
    assert!(server.wait().success());
    server.wait_for_line("bye");
}
