//! A function that is called on another thread in the context of here, and whose changes to it come back.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::thread;

use crate::context::Context;
use crate::error::SetError;
use crate::state;
use crate::task::ContextExt;

/// Returns a function to be called elsewhere that calls `f` in the current context, and brings back what `f` changed.
///
/// [`wrap`](Context::wrap) and what inherits run in a copy, whose changes are lost. This is for the code that belongs
/// to the work at hand and only has to run on another thread, such as a blocking call: within `f`, every variable has
/// the value that it has here (those declared with `inherit = false` too), tokens made here can be reset there and the
/// other way round, and [`Returned::take_back`] makes the changes here.
///
/// Until then the context here stays as it is. Code that runs in it meanwhile sees none of the changes, and may make
/// its own to other variables; a variable that both set ends up with the value from there. If the function is never
/// called, or what it returns is dropped, nothing changes. A panic of `f` goes on in `take_back`.
///
/// With tokio, `contextvars::tokio::task::run_blocking` does it all.
///
/// Costs a copy of the context; coming back, nothing if `f` set nothing, else a look at every variable that is set.
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

/// What a function brings back from elsewhere: its result and what it changed in its context; see [`round_trip`].
///
/// # Examples
///
/// Only what the function set is taken back; what was set here meanwhile stays.
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
/// // Dropped, it changes nothing.
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
    /// Makes the function's changes in the current context and returns its result.
    ///
    /// # Panics
    /// With the function's own panic, if it panicked; what it had changed by then is changed here, too. And where
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
