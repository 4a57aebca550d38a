//! [`tokio::task`](::tokio::task), with spawns that inherit the context.

use std::future::Future;

use crate::context::{Context, inherit_context};
use crate::state;
use crate::task::{ContextExt, inheriting};

pub use super::join_set::JoinSet;
pub use super::local_set::LocalSet;
#[cfg(all(tokio_unstable, not(feature = "tokio-tracing")))]
pub use super::no_task_builder::Builder;
pub use super::run_blocking::{RunBlocking, run_blocking};
#[cfg(all(tokio_unstable, feature = "tokio-tracing"))]
pub use super::task_builder::Builder;
#[doc(no_inline)]
pub use ::tokio::task::*;

#[cfg(tokio_unstable)]
pub mod join_set {
    //! [`tokio::task::join_set`](::tokio::task::join_set), with spawns that inherit the context.

    pub use super::JoinSet;
    #[cfg(not(feature = "tokio-tracing"))]
    pub use crate::integrations::tokio::no_task_builder::MemberBuilder as Builder;
    #[cfg(feature = "tokio-tracing")]
    pub use crate::integrations::tokio::task_builder::MemberBuilder as Builder;
}

/// Spawns a task that inherits the context, as [`tokio::spawn`](::tokio::spawn) spawns one that does not.
///
/// The task runs in a copy of the current context, taken now, which costs one reference count; each poll enters it, for
/// a few nanoseconds. A future that was given a context, as in `spawn(future.in_context(ctx))`, runs in that one and
/// inherits nothing; the same holds for every other function here that spawns. [`spawn_detached`] is short for an empty
/// context.
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
/// `asyncio.create_task(coro)`, which copies the whole context, including what `inherit = false` leaves out here.
/// `create_task(coro, context=ctx)` is `tokio::spawn(future.in_context(ctx))`.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    ::tokio::spawn(inheriting(future))
}

/// Spawns a task that inherits nothing: it begins in an empty context and keeps no value of its spawner alive.
///
/// For tasks that outlive the work that starts them: a timer, a connection, a worker that is started on first use.
/// Other functions that spawn do the same when they are called in an empty context, as in `Context::new().run(||
/// set.spawn(future))`; if something is [carried](crate::carry), in `carry::suppressed(..)`, too.
///
/// # Panics
/// Outside of a tokio runtime.
///
/// # Examples
///
/// ```
/// # use std::sync::OnceLock;
/// # use contextvars::{context_var, tokio, with_context};
/// # use tokio::sync::{mpsc, oneshot};
/// #[context_var(default = 0)]
/// static REQUEST_ID: u64;
///
/// type Job = oneshot::Sender<u64>;
///
/// /// The worker that all requests share, started by the first.
/// fn worker() -> &'static mpsc::UnboundedSender<Job> {
///     static WORKER: OnceLock<mpsc::UnboundedSender<Job>> = OnceLock::new();
///     WORKER.get_or_init(|| {
///         let (sender, mut jobs) = mpsc::unbounded_channel::<Job>();
///         tokio::task::spawn_detached(async move {
///             while let Some(job) = jobs.recv().await {
///                 let _ = job.send(REQUEST_ID.get());
///             }
///         });
///         sender
///     })
/// }
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() {
///     let seen = with_context!(REQUEST_ID = 7, async {
///         let (job, done) = oneshot::channel();
///         worker().send(job).unwrap();
///         done.await.unwrap()
///     });
///     assert_eq!(seen.await, 0);
/// }
/// ```
///
/// # Python
/// `asyncio.create_task(coro, context=Context())`.
#[track_caller]
pub fn spawn_detached<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    // Entered by a guard and not by `run`, since with a closure the place of the spawn would be the closure. Entered at
    // all, since there may be task hooks that inherit.
    let mut empty = Context::new();
    let entered = empty.enter();
    let _suppressed = state::suppress();
    let task = ::tokio::spawn(future.in_context(Context::new()));
    entered.leave();
    task
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
/// # use std::rc::Rc;
/// # use contextvars::{context_var, tokio, with_context};
/// #[context_var(default = 0)]
/// static REQUEST_ID: u64;
///
/// async fn handle(route: Rc<str>) -> String {
///     let log = tokio::task::spawn_local(async move { format!("[{}] {route}", REQUEST_ID.get()) });
///     log.await.unwrap()
/// }
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() {
///     let requests = async {
///         tokio::join!(
///             with_context!(REQUEST_ID = 7, async { handle("/orders".into()).await }),
///             with_context!(REQUEST_ID = 8, async { handle("/users".into()).await }),
///         )
///     };
///     let (orders, users) = tokio::task::LocalSet::new().run_until(requests).await;
///     assert_eq!((orders.as_str(), users.as_str()), ("[7] /orders", "[8] /users"));
/// }
/// ```
///
/// # Python
/// `asyncio.create_task(coro)`, whose tasks all stay on their loop's thread, and which copies the whole context.
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    ::tokio::task::spawn_local(inheriting(future))
}

/// Runs a blocking function that inherits the context on the blocking pool, as
/// [`tokio::task::spawn_blocking`](::tokio::task::spawn_blocking) runs one that does not.
///
/// The values that the function sets stay in its copy of the context; with [`run_blocking`] they are set for the
/// caller, too. The copy costs one reference count.
///
/// # Panics
/// Outside of a tokio runtime, and if the operating system cannot start a thread for it.
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
/// `asyncio.to_thread(f)`, which copies the whole context; `loop.run_in_executor(None, f)` does not propagate it.
#[track_caller]
pub fn spawn_blocking<F, R>(f: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    ::tokio::task::spawn_blocking(inherit_context().wrap_once(f))
}
