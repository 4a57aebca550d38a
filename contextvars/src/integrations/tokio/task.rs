//! [`tokio::task`](::tokio::task), with spawns that inherit the context.

use std::future::Future;

use crate::context::inherit_context;
use crate::task::{ContextExt, inheriting};

pub use super::join_set::JoinSet;
pub use super::local_set::LocalSet;
pub use super::run_blocking::{RunBlocking, run_blocking};
#[cfg(all(tokio_unstable, feature = "tokio-tracing"))]
pub use super::task_builder::Builder;
#[doc(no_inline)]
pub use ::tokio::task::*;

#[cfg(tokio_unstable)]
pub mod join_set {
    //! [`tokio::task::join_set`](::tokio::task::join_set), with spawns that inherit the context.

    pub use super::JoinSet;
    #[cfg(feature = "tokio-tracing")]
    pub use crate::integrations::tokio::task_builder::MemberBuilder as Builder;
}

/// Spawns a task that inherits the context, as [`tokio::spawn`](::tokio::spawn) spawns one that does not.
///
/// The task runs in a copy of the current context, taken now, which costs one reference count.
///
/// # Panics
/// Outside of a tokio runtime.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, tokio};
/// #[context_var]
/// static TENANT: u32;
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() {
///     TENANT.set(1);
///     let child = tokio::spawn(async { TENANT.set(TENANT.get() + 1).old_value().copied() });
///     assert_eq!(child.await.unwrap(), Some(1));
///     assert_eq!(TENANT.get(), 1);
/// }
/// ```
///
/// # Python
/// `asyncio.create_task`, which copies the whole context. There is no `inherit = false` there.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    ::tokio::spawn(future.in_context(inherit_context()))
}

/// Spawns a `!Send` task that inherits the context, as [`tokio::task::spawn_local`](::tokio::task::spawn_local) spawns
/// one that does not.
///
/// # Panics
/// Outside of a [`LocalSet`] and of a `LocalRuntime`.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, tokio};
/// #[context_var]
/// static TENANT: u32;
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() {
///     TENANT.set(1);
///     let not_send = std::rc::Rc::new(41);
///     let tasks = tokio::task::LocalSet::new();
///     let child = tasks.run_until(async { tokio::task::spawn_local(async move { *not_send + TENANT.get() }).await });
///     assert_eq!(child.await.unwrap(), 42);
/// }
/// ```
///
/// # Python
/// `asyncio.create_task`, as for [`spawn`]: tasks stay on their thread there.
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    ::tokio::task::spawn_local(future.in_context(inherit_context()))
}

/// Runs a blocking function that inherits the context on the blocking pool, as
/// [`tokio::task::spawn_blocking`](::tokio::task::spawn_blocking) runs one that does not.
///
/// What the function sets stays in its copy of the context; [`run_blocking`] brings it back.
///
/// # Panics
/// Outside of a tokio runtime.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, tokio};
/// #[context_var]
/// static TENANT: u32;
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() {
///     TENANT.set(1);
///     let seen = tokio::task::spawn_blocking(|| TENANT.get()).await.unwrap();
///     assert_eq!(seen, 1);
/// }
/// ```
///
/// # Python
/// `asyncio.to_thread`, which copies the whole context; and loses what the function sets, too.
#[track_caller]
pub fn spawn_blocking<F, R>(f: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    ::tokio::task::spawn_blocking(inheriting(f))
}
