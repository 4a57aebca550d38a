//! Work beside a request: what belongs to it inherits its context, what outlives it must keep nothing of it.
//!
//! Run it with `cargo run --example background_work`.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::get;
use contextvars::hyper::ContextExecutor;
use contextvars::tokio_util::task::TaskTracker;
use contextvars::{Context, context_var, tokio, with_context};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

#[context_var(default = 0)]
static REQUEST_ID: u64;

/// Something large that a request keeps while it lasts.
#[context_var]
static UPLOAD: Arc<[u8]>;

type Pool = Client<HttpConnector, Body>;

fn log(message: &str) {
    println!("[request {}] {message}", REQUEST_ID.get());
}

/// A service that ours asks.
async fn start_prices() -> Result<SocketAddr, Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let prices = Router::new().route("/", get(|| async { "42 cents" }));
    tokio::spawn(async { axum::serve(listener, prices).await });
    Ok(addr)
}

async fn handle(pool: &Pool, prices: SocketAddr, audits: &TaskTracker) -> Result<(), Box<dyn Error>> {
    // This opens a connection, which will serve others, too.
    let response = pool.get(format!("http://{prices}/").parse()?).await?;
    let price = to_bytes(Body::new(response.into_body()), 100).await?;
    log(&format!("the price is {}", String::from_utf8_lossy(&price)));
    // An audit belongs to the request: a tracker of `contextvars::tokio_util` inherits.
    audits.spawn(async { log("audited") });
    // To refresh a cache is nobody's request. It is spawned in an empty context, so it inherits that. Where nobody waits
    // for it, `tokio::spawn_detached` does the same.
    Context::new().run(|| audits.spawn(async { log("prices refreshed") }));
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let prices = start_prices().await?;
    // Each connection of the pool is driven by a task. Detached, it keeps nothing of the request that opened it.
    let pool: Pool = Client::builder(ContextExecutor::detached(TokioExecutor::new())).build_http();
    let audits = TaskTracker::new();

    let upload: Arc<[u8]> = vec![0; 1 << 20].into();
    let kept = Arc::downgrade(&upload);
    with_context!(REQUEST_ID = 7, UPLOAD = upload, async { handle(&pool, prices, &audits).await }).await?;
    audits.close();
    audits.wait().await;
    log(&format!("uploads in memory: {}", kept.strong_count()));
    drop(pool);
    Ok(())
}
