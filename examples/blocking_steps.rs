//! Blocking code on tokio's thread pool: a step of the task at hand, whose changes come back, and a child with a copy.
//!
//! Run it with `cargo run --example blocking_steps`.

use contextvars::{context_var, tokio, with_context};
use tokio::task::{JoinError, run_blocking, spawn_blocking};

#[context_var(default = 0)]
static REQUEST_ID: u64;

#[context_var(default = 0)]
static ROWS_READ: u64;

#[context_var(default = 0)]
static ROWS_AUDITED: u64;

fn log(message: &str) {
    println!("[request {}] {message}", REQUEST_ID.get());
}

/// What a database driver would do, blocking its thread.
fn read_row() {
    ROWS_READ.set(ROWS_READ.get() + 1);
}

fn audit() {
    ROWS_AUDITED.set(ROWS_READ.get());
    log(&format!("audited {} rows so far", ROWS_AUDITED.get()));
}

async fn handle() -> Result<(), JoinError> {
    // Each is a step of this task: it sees what the last one set, and so does what follows.
    run_blocking(read_row).await;
    run_blocking(read_row).await;
    // This is a task of its own, with a copy of the context.
    spawn_blocking(audit).await?;
    log(&format!("{} rows read, {} rows audited", ROWS_READ.get(), ROWS_AUDITED.get()));
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), JoinError> {
    with_context!(REQUEST_ID = 7, async { handle().await }).await
}
