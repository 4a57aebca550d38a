//! A service with everything in its place: a shop whose requests place orders, ask a warehouse for the goods, and leave
//! jobs behind that ship them. Its log lines, spans, errors and panics say whose request they are about.
//!
//! Run it with `cargo run --example shop`, and place an order of three lamps with `curl -i -X POST -H 'x-tenant: acme'
//! http://127.0.0.1:8084/orders/3`. With `-H 'grpc-timeout: 1m'` the client waits for one millisecond; an order of 0 lamps
//! meets a bug. Shipping takes three seconds: end the service meanwhile, and start it again. The arguments are its address,
//! the file of its database, and the URL of the warehouse, for which there is a stand-in.

mod database;
mod error;
mod jobs;
mod service;
mod stand_in;

use std::path::PathBuf;
use std::{env, error::Error};

use contextvars::tracing::{ContextFields, ContextFormat, carry_spans};
use contextvars::{context_var, install_panic_hook, tokio};
use database::Database;
use service::Shop;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::{self, format::FmtSpan};
use tracing_subscriber::{filter::filter_fn, prelude::*};
use uuid::Uuid;

/// Tells the requests of all services apart.
#[context_var(log = "request", header = "x-request-id")]
static REQUEST_ID: Uuid;

/// Who places the order.
#[context_var(log = "tenant", header = "x-tenant")]
static TENANT: String;

/// How often the job was begun. It stays in this process.
#[context_var(log = "attempt")]
static ATTEMPT: u32;

/// What concerns the whole process, before anything is spawned.
fn set_up() {
    carry_spans();
    install_panic_hook();
    let lines = fmt::layer().map_event_format(ContextFormat::line).with_filter(filter_fn(|it| !it.is_span()));
    // Where an exporter would be: a line for each span that ends.
    let spans = fmt::layer().with_span_events(FmtSpan::CLOSE).with_filter(filter_fn(|it| !it.is_event()));
    tracing_subscriber::registry().with(LevelFilter::INFO).with(lines).with(spans).with(ContextFields::new()).init();
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    set_up();
    let mut arguments = env::args().skip(1);
    let addr = arguments.next().unwrap_or_else(|| "127.0.0.1:8084".to_owned());
    let file = arguments.next().map_or_else(|| env::temp_dir().join("contextvars-shop.sqlite"), PathBuf::from);
    let warehouse = if let Some(url) = arguments.next() { url } else { stand_in::start().await? };
    let shop = Shop { database: Database::open(&file)?, client: reqwest::Client::new(), warehouse };
    let listener = tokio::net::TcpListener::bind(&addr).await?;
    println!("listening on {}; Ctrl-C ends", listener.local_addr()?);
    tokio::select! {
        result = axum::serve(listener, service::routes(shop.clone())) => result?,
        result = jobs::work(&shop) => result?,
        result = tokio::signal::ctrl_c() => result?,
    }
    Ok(())
}
