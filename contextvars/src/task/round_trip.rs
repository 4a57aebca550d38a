//! A function that runs on another thread in the caller's context, and whose changes are taken back.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::thread;

use crate::context::Context;
use crate::error::SetError;
use crate::state;
use crate::task::ContextExt;

/// Returns a function for another thread that calls `f` in the current context and returns the changes that `f` made.
///
/// Functions in [`wrap`](Context::wrap) and spawned work run in a copy, whose changes are lost. This is for code that
/// is a part of the current work and only has to run on another thread, such as a blocking call: within `f`, every
/// variable has the caller's value (those declared with `inherit = false` too), tokens of the caller can be reset in
/// `f` and the other way round, and [`Returned::take_back`] applies the changes to the caller's context.
///
/// Until then the caller's context is unchanged. Code that runs in it meanwhile sees none of the changes, and may set
/// other variables; a variable that both set ends up with the value of `f`. If the function is never called, or its
/// result is dropped, nothing changes. A panic of `f` is resumed in `take_back`.
///
/// With tokio, `contextvars::tokio::task::run_blocking` does all of this.
///
/// Copies the context once (one reference count). `take_back` is free if `f` set nothing, and O(n) in the variables
/// that are set otherwise.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, round_trip};
/// #[context_var(default = 0)]
/// static ROWS_READ: u32;
///
/// # fn main() {
/// ROWS_READ.set(1);
/// let work = round_trip(|| {
///     ROWS_READ.set(ROWS_READ.get() + 41);
///     "done"
/// });
/// let returned = std::thread::spawn(work).join().unwrap();
/// assert_eq!(ROWS_READ.get(), 1);
/// assert_eq!(returned.take_back(), "done");
/// assert_eq!(ROWS_READ.get(), 42);
/// # }
/// ```
#[must_use = "`f` runs only when the returned function is called"]
pub fn round_trip<F: FnOnce() -> R, R>(f: F) -> impl FnOnce() -> Returned<R> {
    let work = f.in_context(Context::outbound());
    let before = work.context().clone();
    move || {
        let (f, mut after) = work.into_parts();
        let result = panic::catch_unwind(AssertUnwindSafe(|| after.run(f)));
        Returned { before, after, result }
    }
}

/// The result of a function and the changes that it made to its context; see [`round_trip`].
///
/// # Examples
///
/// Only the values that the function set are taken back; a value that the caller set meanwhile stays.
///
/// ```
/// # use contextvars::{context_var, round_trip};
/// #[context_var]
/// static TENANT: u32;
/// #[context_var(default = 0)]
/// static ROWS_READ: u32;
///
/// # fn main() {
/// TENANT.set(1);
/// let work = round_trip(|| {
///     ROWS_READ.set(42);
///     TENANT.get()
/// });
/// let returned = std::thread::spawn(work).join().unwrap();
/// TENANT.set(2);
/// assert_eq!(returned.take_back(), 1);
/// assert_eq!((TENANT.get(), ROWS_READ.get()), (2, 42));
///
/// // If it is dropped, nothing changes.
/// drop(round_trip(|| drop(ROWS_READ.set(0)))());
/// assert_eq!(ROWS_READ.get(), 42);
/// # }
/// ```
#[must_use = "the changes are made only by `take_back`"]
pub struct Returned<R> {
    before: Context,
    after: Context,
    result: thread::Result<R>,
}

impl<R> Returned<R> {
    /// Applies the function's changes to the current context and returns its result.
    ///
    /// # Panics
    /// With the function's own panic, if it panicked; its changes up to then are applied first. Also where
    /// [`set`](crate::ContextVar::set) panics, if there are changes.
    pub fn take_back(self) -> R {
        let Self { before, after, result } = self;
        let merged = state::merge(before.updates_to(&after));
        match (result, merged) {
            (Ok(result), Ok(())) => result,
            (Ok(_), Err(variable)) => panic!("{}", SetError::new(variable, ())),
            (Err(panic), _) => panic::resume_unwind(panic),
        }
    }
}

impl<R> fmt::Debug for Returned<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut output = f.debug_struct("Returned");
        output.field("context", &self.after).field("panicked", &self.result.is_err()).finish_non_exhaustive()
    }
}
