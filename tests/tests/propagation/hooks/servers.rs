//! Servers whose connections are tasks that serve one request after the other.

use std::convert::Infallible;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use contextvars::tokio::Inheritance;
use contextvars::tower::ContextLayer;
use contextvars::{Context, ContextExt, context_var};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Service, ServiceExt};

use super::{COUNT, REQUEST_ID, runtime_of, single_threaded};

/// A value of the whole program, such as a clock in a test.
#[context_var(default = 0)]
static CLOCK: u64;

/// Tells what the handler reads, whether it can set, and what a task that it spawns reads and can set.
async fn handle(Path(id): Path<u64>) -> String {
    let before = COUNT.get();
    let is_set = COUNT.try_set(id).is_ok();
    let child = tokio::spawn(async move { (COUNT.get(), COUNT.try_set(id).is_ok()) }).await.unwrap();
    format!("{} {before} {is_set} {} {}!", CLOCK.get(), child.0, child.1)
}

/// The answers to three requests over one connection.
async fn answers(router: Router) -> Vec<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let mut answers = Vec::new();
    for id in 1..=3 {
        stream.write_all(format!("GET /{id} HTTP/1.1\r\nhost: test\r\n\r\n").as_bytes()).await.unwrap();
        let mut response = Vec::new();
        while !response.ends_with(b"!") {
            response.push(stream.read_u8().await.unwrap());
        }
        let text = String::from_utf8(response).unwrap();
        answers.push(text.lines().last().unwrap().trim_end_matches('!').to_owned());
    }
    server.abort();
    answers
}

#[test]
fn a_handler_without_a_context_of_its_own_reads_the_servers_values_and_cannot_set_any() {
    let router = Router::new().route("/{id}", get(handle));
    let started = answers(router).in_context(Context::new().with(&CLOCK, 9));
    // The task that the handler spawned has a context of its own.
    assert_eq!(runtime_of(2).block_on(started), ["9 0 false 0 true"; 3]);
}

#[test]
fn a_handler_under_a_layer_sets_variables_that_the_next_request_does_not_see() {
    let router = Router::new().route("/{id}", get(handle)).layer(ContextLayer::new());
    let started = answers(router).in_context(Context::new().with(&CLOCK, 9));
    assert_eq!(runtime_of(2).block_on(started), ["9 0 true 1 true", "9 0 true 2 true", "9 0 true 3 true"]);
}

/// What three requests to one worker read and can set: tower's buffer spawns a task that calls its service.
async fn calls_of_one_worker() -> Vec<(u64, u64, bool)> {
    let service = tower::service_fn(|request| {
        std::future::ready(Ok::<_, Infallible>((REQUEST_ID.get(), COUNT.get(), COUNT.try_set(request).is_ok())))
    });
    let mut buffer = tower::buffer::Buffer::new(service, 1);
    let mut seen = Vec::new();
    for request in 1..=3 {
        seen.push(buffer.ready().await.unwrap().call(request).await.unwrap());
    }
    seen
}

fn calls_on(inheritance: Inheritance) -> Vec<(u64, u64, bool)> {
    single_threaded(inheritance).block_on(calls_of_one_worker().in_context(Context::new().with(&REQUEST_ID, 7)))
}

#[test]
fn a_module_can_be_named_as_that_of_a_server_whose_tasks_inherit_and_cannot_set() {
    assert_eq!(calls_on(Inheritance::of_all().server("tower::buffer")), [(7, 0, false); 3]);
    // As any task: what one request sets, the next one reads.
    assert_eq!(calls_on(Inheritance::of_all()), [(7, 0, true), (7, 1, true), (7, 2, true)]);
}

#[test]
fn a_module_that_is_excepted_neither_inherits_nor_sets() {
    assert_eq!(calls_on(Inheritance::of_all().except("tower::buffer")), [(0, 0, false); 3]);
    assert_eq!(calls_on(Inheritance::of_all().server("tower::buffer").except("tower::buffer")), [(0, 0, false); 3]);
}
