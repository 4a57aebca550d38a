//! The shortest useful program: a request id that log lines carry, through calls, tasks and threads.
//!
//! Run it with `cargo run --example quickstart`.

use contextvars::{context_var, tokio, with_context};

/// The request that the code at hand works for.
#[context_var(default = 0)]
static REQUEST_ID: u64;

/// Nobody passes the request id to this function.
fn log(message: &str) {
    println!("[request {}] {message}", REQUEST_ID.get());
}

async fn handle() {
    log("handler started");
    // A spawned task inherits the context,
    let audit = tokio::spawn(async { log("audit written by a spawned task") });
    // and so does work on the blocking pool.
    let hash = tokio::task::spawn_blocking(|| log("password hashed on a thread"));
    audit.await.expect("the audit task does not panic");
    hash.await.expect("the hash task does not panic");
    log("handler done");
}

#[tokio::main]
async fn main() {
    log("outside of any request");
    with_context!(REQUEST_ID = 7, async { handle().await }).await;
    with_context!(REQUEST_ID = 8, async { handle().await }).await;
    log("outside of any request");
}
