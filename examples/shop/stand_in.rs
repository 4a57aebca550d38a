//! A warehouse, where the shop is started without one: another service, whose log says whose requests it serves.

use std::time::Duration;

use axum::{Router, routing::post};
use contextvars::headers::HeadersLayer;
use contextvars::tokio;
use tracing::info;

async fn reserve() -> &'static str {
    info!("the lamps are reserved");
    "reserved"
}

async fn ship() -> &'static str {
    tokio::time::sleep(Duration::from_secs(3)).await;
    info!("the lamps are on their way");
    "on their way"
}

/// Starts it, and returns its URL.
pub(crate) async fn start() -> std::io::Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let routes = Router::new().route("/reserve/{lamps}", post(reserve)).route("/ship/{order}", post(ship));
    tokio::spawn(async { axum::serve(listener, routes.layer(HeadersLayer::new())).await });
    Ok(url)
}
