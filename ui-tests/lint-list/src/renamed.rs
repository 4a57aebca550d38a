//! A program that has the package `contextvars-tokio` in tokio's place: what the package replaces passes, and what it cannot
//! replace is reported all the same.

use std::{future, thread};

use renamed_tokio as tokio;
use tokio::runtime::{Handle, Runtime};
use tokio::task::{JoinSet, LocalSet};

fn work() {}
fn task() -> future::Ready<()> {
    future::ready(())
}

/// See the module.
pub fn tasks(set: &mut JoinSet<()>, local: &LocalSet) {
    drop(tokio::spawn(task()));
    drop(tokio::task::spawn_blocking(work));
    drop(local.spawn_local(task()));
    set.spawn(task());
}

/// See the module.
pub fn out_of_reach(handle: &Handle, runtime: &Runtime) {
    drop(handle.spawn(task())); // plain
    drop(runtime.spawn_blocking(work)); // plain
    drop(thread::spawn(work)); // plain
}
