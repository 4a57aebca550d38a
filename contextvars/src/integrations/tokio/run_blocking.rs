//! [`run_blocking`]: a blocking function that runs on the blocking pool, in the context of the task that awaits it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::tokio::task::{JoinHandle, spawn_blocking};

use crate::task::{Returned, round_trip};

/// Runs a blocking function on the blocking pool as if it were called here: it runs in the current context, and the
/// values that it sets are set in the context of the task that awaits it.
///
/// [`spawn_blocking`](super::task::spawn_blocking) is for separate work, in a copy of the context. This function is for
/// a step of the current task that blocks. [`round_trip`] documents which values either side sees meanwhile, and the
/// cost. `block_in_place` on a multi-threaded runtime stays on the thread and so in the context.
///
/// The function starts at once, on a thread of the pool. Dropping the returned future cancels it: a function that has
/// not started never runs and is dropped in its context; one that has started runs to its end, and its changes are
/// discarded.
///
/// # Panics
/// Outside of a tokio runtime, and if the operating system cannot start a thread. The returned future panics if the
/// function does, with the same payload, after applying the changes made up to the panic; also if the runtime was shut
/// down before the function was started.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, tokio};
/// #[context_var(default = 0)]
/// static ROWS_READ: u32;
///
/// fn read_rows() -> &'static str {
///     ROWS_READ.set(ROWS_READ.get() + 42);
///     "rows"
/// }
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() {
///     assert_eq!(tokio::task::run_blocking(read_rows).await, "rows");
///     assert_eq!(ROWS_READ.get(), 42);
///
///     // In a copy of the context, the change is lost:
///     tokio::task::spawn_blocking(read_rows).await.unwrap();
///     assert_eq!(ROWS_READ.get(), 42);
/// }
/// ```
#[track_caller]
pub fn run_blocking<F, R>(f: F) -> RunBlocking<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    RunBlocking { handle: spawn_blocking(round_trip(f)) }
}

/// The future of a blocking function that runs in the current context; [`run_blocking`] returns it.
///
/// # Examples
///
/// The values that the function sets are set here when the future completes, and never if it is dropped before.
///
/// ```
/// # use contextvars::{context_var, tokio, tokio::task::{RunBlocking, run_blocking}};
/// #[context_var(default = 0)]
/// static ROWS_READ: u32;
///
/// fn read_row() {
///     ROWS_READ.set(ROWS_READ.get() + 1);
/// }
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() {
///     let row: RunBlocking<()> = run_blocking(read_row);
///     assert_eq!(ROWS_READ.get(), 0);
///     row.await;
///     assert_eq!(ROWS_READ.get(), 1);
///
///     drop(run_blocking(read_row));
///     assert_eq!(ROWS_READ.get(), 1);
/// }
/// ```
#[must_use = "dropping it cancels the function, or discards the values that the function sets"]
pub struct RunBlocking<R> {
    handle: JoinHandle<Returned<R>>,
}

impl<R> Future for RunBlocking<R> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        Pin::new(&mut self.handle).poll(cx).map(|joined| match joined {
            Ok(returned) => returned.take_back(),
            // Panics of the function are part of `returned`.
            Err(error) => panic!("the runtime was shut down before it started a function of `run_blocking`: {error}"),
        })
    }
}

impl<R> Drop for RunBlocking<R> {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

impl<R> fmt::Debug for RunBlocking<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunBlocking").field("task", &self.handle.id()).finish_non_exhaustive()
    }
}
