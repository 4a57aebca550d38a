//! Runs the async tests of `#[contextvars::test]`, each on a runtime and in a context of its own.

use std::future::Future;

pub use ::tokio::runtime::Builder;
use ::tokio::runtime::LocalOptions;

use crate::context::Context;
use crate::task::ContextExt;

/// Runs a test on the runtime that `builder` makes.
///
/// # Panics
/// If the runtime cannot be made.
#[track_caller]
pub fn run_async_test<F: Future>(builder: &mut Builder, test: F) -> F::Output {
    match builder.build() {
        Ok(runtime) => runtime.block_on(test.in_context(Context::new())),
        Err(error) => panic!("cannot build a runtime for the test: {error}"),
    }
}

/// Runs a test on the runtime for `!Send` tasks that `builder` makes.
///
/// # Panics
/// If the runtime cannot be made.
#[track_caller]
pub fn run_local_test<F: Future>(builder: &mut Builder, test: F) -> F::Output {
    match builder.build_local(LocalOptions::default()) {
        Ok(runtime) => runtime.block_on(test.in_context(Context::new())),
        Err(error) => panic!("cannot build a runtime for the test: {error}"),
    }
}
