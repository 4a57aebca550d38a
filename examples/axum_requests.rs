//! An axum server in which every line that is logged knows its request, without being told.
//!
//! Run it with `cargo run --example axum_requests`, or with another address as the argument: `cargo run --example
//! axum_requests -- 127.0.0.1:9000`. Then `curl -i -H 'x-request-id: 42' http://127.0.0.1:8082/hello/ada`, or `curl
//! http://127.0.0.1:8082/count/3`; Ctrl-C ends it.

use std::convert::Infallible;
use std::env;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::http::HeaderValue;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use contextvars::tower::ContextLayer;
use contextvars::{context_var, tokio};
use futures::stream::{self, StreamExt};
use tokio::net::TcpListener;
use tokio::signal;

/// The request that the code at hand works for: what its client calls it, or a number of ours.
#[context_var]
static REQUEST_ID: HeaderValue;

/// Nobody passes the request to this function.
fn log(message: &str) {
    REQUEST_ID.with(|id| println!("[{}] {message}", id.to_str().unwrap_or("?")));
}

/// Runs in each new request's context.
fn identify(request: &Request) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let given = request.headers().get("x-request-id").cloned();
    REQUEST_ID.set(given.unwrap_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed).into()));
}

/// Tells the client what its request was called.
async fn name_request(mut response: Response) -> Response {
    response.headers_mut().insert("x-request-id", REQUEST_ID.get());
    response
}

async fn hello(Path(name): Path<String>) -> String {
    log(&format!("hello {name}"));
    // A spawned task inherits the context.
    tokio::spawn(async { log("greeting counted") }).await.expect("the task does not panic");
    format!("hello {name}\n")
}

/// The lines are made while the client reads them, when this function has long returned.
async fn count(Path(to): Path<u32>) -> Body {
    log("counting");
    let lines = stream::iter(1..=to).map(|n| {
        log(&format!("line {n}"));
        Ok::<_, Infallible>(format!("{n}\n"))
    });
    Body::from_stream(lines)
}

#[tokio::main]
async fn main() -> ExitCode {
    let app = Router::new()
        .route("/hello/{name}", get(hello))
        .route("/count/{to}", get(count))
        .layer(map_response(name_request))
        // The last layer is the outermost: everything above sees the context.
        .layer(ContextLayer::new().init(identify));

    let addr = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8082".to_owned());
    let listener = match TcpListener::bind(&addr).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("cannot listen on {addr}: {error}; give another address as the first argument");
            return ExitCode::FAILURE;
        }
    };
    match listener.local_addr() {
        Ok(addr) => println!("listening on {addr}; Ctrl-C ends"),
        Err(error) => eprintln!("listening on {addr}, whose port is unknown: {error}"),
    }
    let server = axum::serve(listener, app).with_graceful_shutdown(async {
        // Without the signal the server just goes on.
        if signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    });
    if let Err(error) = server.await {
        eprintln!("the server failed: {error}");
        return ExitCode::FAILURE;
    }
    println!("bye");
    ExitCode::SUCCESS
}
