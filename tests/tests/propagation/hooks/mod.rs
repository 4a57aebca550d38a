//! Plain `tokio::spawn` inherits on a runtime with task hooks; run it with `ci/tokio-unstable.sh`.

#![cfg(tokio_unstable)]

mod ends;
mod exceptions;
mod inheriting;
mod own_hooks;
mod pools;
mod servers;

use contextvars::tokio::{InheritContexts, Inheritance};
use contextvars::{Context, context_var};
use tokio::runtime::{Builder, Runtime};

#[context_var(default = 0)]
static REQUEST_ID: u64;

#[context_var(default = 0)]
static COUNT: u64;

#[context_var(inherit = false)]
static TRANSACTION: u64;

fn runtime_of(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).enable_all().inherit_contexts().build().unwrap()
}

fn single_threaded(inheritance: Inheritance) -> Runtime {
    Builder::new_current_thread().enable_all().inherit_contexts_by(inheritance).build().unwrap()
}

fn request(id: u64) -> Context {
    Context::new().with(&REQUEST_ID, id).with(&TRANSACTION, id)
}
