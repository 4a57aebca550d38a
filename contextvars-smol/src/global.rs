//! Tasks of the global executor, and functions of the blocking pool.

use std::future::Future;

use ::smol::Task;
use contextvars::{ContextExt, inherit_context};

/// Spawns a task that inherits the context on the global executor, as [`smol::spawn`](::smol::spawn) spawns one that
/// does not.
///
/// The task runs in a copy of the current context, taken now, which costs one reference count; each poll enters it, for
/// a few nanoseconds. A task that is dropped or cancelled is dropped in its context.
///
/// # Examples
///
/// ```
/// # use contextvars::context_var;
/// # use contextvars_smol as smol;
/// #[context_var]
/// static TENANT: u32;
///
/// # fn main() {
/// TENANT.set(1);
/// let child = smol::spawn(async { TENANT.set(TENANT.get() + 1).old_value().copied() });
/// assert_eq!(smol::block_on(child), Some(1));
/// assert_eq!(TENANT.get(), 1);
/// # }
/// ```
///
/// # Python
/// `asyncio.create_task(coro)`, which copies the whole context.
pub fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Task<T> {
    ::smol::spawn(future.in_inherited_context())
}

/// Runs a blocking function that inherits the context on the blocking pool, as [`smol::unblock`](::smol::unblock) runs
/// one that does not.
///
/// The values that the function sets stay in its copy of the context, which costs one reference count;
/// [`round_trip`](contextvars::round_trip) brings them back. A function that is cancelled before it was called is
/// dropped in its context.
///
/// # Examples
///
/// ```
/// # use contextvars::context_var;
/// # use contextvars_smol as smol;
/// #[context_var]
/// static TENANT: u32;
///
/// # fn main() {
/// TENANT.set(1);
/// assert_eq!(smol::block_on(smol::unblock(|| TENANT.get())), 1);
/// # }
/// ```
///
/// # Python
/// `asyncio.to_thread(f)`, which copies the whole context.
pub fn unblock<T, F>(f: F) -> Task<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    ::smol::unblock(inherit_context().wrap_once(f))
}
