//! Plain `tokio::spawn` inherits on a runtime with task hooks; run it with `ci/tokio-unstable.sh`.

#![cfg(tokio_unstable)]

#[path = "travel_hooks/ends.rs"]
mod ends;
#[path = "travel_hooks/exceptions.rs"]
mod exceptions;
#[path = "travel_hooks/inheriting.rs"]
mod inheriting;
#[path = "travel_hooks/own_hooks.rs"]
mod own_hooks;
#[path = "travel_hooks/pools.rs"]
mod pools;
#[path = "travel_hooks/servers.rs"]
mod servers;
mod support;

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
