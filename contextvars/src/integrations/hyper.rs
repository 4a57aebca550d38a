//! An executor for hyper and hyper-util that sets the context of the tasks that they spawn.

use hyper::rt::Executor;

use crate::context::Context;
use crate::state;
use crate::task::{ContextExt, InContext, inheriting};

/// An executor that spawns each task in a context of its own, on an executor such as `hyper_util::rt::TokioExecutor`.
///
/// hyper spawns a task for each stream of an HTTP/2 connection; hyper-util's client spawns one for each connection in
/// its pool. The streams of a server should [inherit](Self::inheriting) the context of their connection. A pooled
/// connection outlives the request that opened it and should be [detached](Self::detached) from it: otherwise it keeps
/// the first request's values alive and serves later requests with them.
///
/// # Examples
///
/// ```
/// use contextvars::context_var;
/// use contextvars::hyper::ContextExecutor;
/// use hyper::rt::Executor;
/// use hyper_util::rt::TokioExecutor;
///
/// #[context_var(default = 0)]
/// static REQUEST_ID: u64;
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() {
///     let seen_by = |executor: ContextExecutor<TokioExecutor>| {
///         let (sender, receiver) = tokio::sync::oneshot::channel();
///         executor.execute(async { sender.send(REQUEST_ID.get()).unwrap() });
///         receiver
///     };
///     REQUEST_ID.set(7);
///     assert_eq!(seen_by(ContextExecutor::inheriting(TokioExecutor::new())).await, Ok(7));
///     assert_eq!(seen_by(ContextExecutor::detached(TokioExecutor::new())).await, Ok(0));
/// }
/// ```
///
/// # Python
/// `asyncio.create_task(coro)` inherits the whole context; `create_task(coro, context=Context())` is detached.
#[derive(Clone, Copy, Debug)]
pub struct ContextExecutor<E> {
    inner: E,
    inherits: bool,
}

impl<E> ContextExecutor<E> {
    /// Runs each task in a copy of the context that is current where it is spawned, without the variables declared with
    /// `inherit = false`.
    #[must_use]
    pub const fn inheriting(inner: E) -> Self {
        Self { inner, inherits: true }
    }

    /// Runs each task in a context that starts empty.
    #[must_use]
    pub const fn detached(inner: E) -> Self {
        Self { inner, inherits: false }
    }
}

impl<E, F> Executor<F> for ContextExecutor<E>
where
    E: Executor<InContext<F>>,
{
    #[track_caller]
    fn execute(&self, future: F) {
        if self.inherits {
            return self.inner.execute(inheriting(future));
        }
        // The executor may be one whose tasks inherit the context.
        let _suppressed = state::suppress();
        self.inner.execute(future.in_context(Context::new()));
    }
}
