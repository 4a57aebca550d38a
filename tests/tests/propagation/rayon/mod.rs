//! Jobs, parallel iterators and pools through the facade `contextvars::rayon`.

mod iterators;
mod jobs;
mod pools;
mod prelude;
mod waiting;

use contextvars::rayon::{ThreadPool, ThreadPoolBuilder};
use contextvars::{Context, context_var, copy_context};

#[context_var(default = 0)]
static REQUEST: u32;

#[context_var(default = 0, inherit = false)]
static TRANSACTION: u32;

/// What a job sees of the two variables.
fn seen() -> (u32, u32) {
    (REQUEST.get(), TRANSACTION.get())
}

/// A pool of its own for each test, so that none runs another's jobs.
fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool")
}

/// Calls `f` on a thread of the pool and within request 7, without any help of the module under test.
fn on_a_worker<R: Send>(pool: &ThreadPool, f: impl FnOnce() -> R + Send) -> R {
    let plain: &::rayon::ThreadPool = pool;
    plain.install(|| Context::new().with(&REQUEST, 7).with(&TRANSACTION, 8).run(f))
}

/// Whether no thread of the pool has anything in its base context.
fn is_clean(pool: &ThreadPool) -> bool {
    let plain: &::rayon::ThreadPool = pool;
    plain.broadcast(|_| copy_context().is_empty()).into_iter().all(|empty| empty)
}
