//! Three web services, each a process of its own, that a request goes through one after the other; log lines in all of
//! them know whose request it is.
//!
//! Run it with `cargo run --example three_hops`. It starts itself three times, as `gateway`, `orders` and `stock`,
//! sends two requests at the same time, and prints what the services log. The tenant and the number of the request
//! travel in headers of their own, and the wish of one of the clients to see its request in detail as W3C baggage. The
//! gateway gives each request its number, and tells the client. The number of the card that pays does not leave the first
//! process, and no process logs it.

mod client;
mod service;

use std::env;
use std::process::ExitCode;

use contextvars::{context_var, tokio};
use tracing::level_filters::LevelFilter;

/// Tells the requests of all services apart.
#[context_var(log = "request", header = "x-request-id")]
static REQUEST_ID: u64;

/// Who pays for the request.
#[context_var(log = "tenant", header = "x-tenant")]
static TENANT: String;

/// How much is to be logged about this request, if more than usual.
#[context_var(baggage = "log-level")]
static LOG_LEVEL: LevelFilter;

/// What is paid with.
#[context_var(log = "card", redact)]
static CARD: String;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let result = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => client::run(),
        (Some("gateway"), Some(orders)) => service::serve(service::Role::Gateway { orders }).await,
        (Some("orders"), Some(stock)) => service::serve(service::Role::Orders { stock }).await,
        (Some("stock"), _) => service::serve(service::Role::Stock).await,
        (Some(_), _) => Err("write `three_hops` without arguments: it starts the services by itself".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
