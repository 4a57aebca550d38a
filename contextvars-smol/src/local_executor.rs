//! [`LocalExecutor`]: smol's, with spawns that inherit the context.

use std::fmt;
use std::future::Future;

use ::smol::Task;
use contextvars::ContextExt;

/// A [`smol::LocalExecutor`](::smol::LocalExecutor) whose tasks inherit the context of their spawner.
///
/// # Examples
///
/// ```
/// # use std::rc::Rc;
/// # use contextvars::{context_var, with_context};
/// # use contextvars_smol as smol;
/// use smol::LocalExecutor;
///
/// #[context_var(default = 0)]
/// static REQUEST_ID: u64;
///
/// # fn main() {
/// let executor = LocalExecutor::new();
/// let route: Rc<str> = "/orders".into();
/// let task = with_context!(REQUEST_ID = 7, {
///     executor.spawn(async move { format!("[{}] {route}", REQUEST_ID.get()) }) // not `Send`
/// });
/// assert_eq!(smol::block_on(executor.run(task)), "[7] /orders");
/// # }
/// ```
///
/// # Python
/// An event loop, whose tasks all stay on its thread.
#[derive(Default)]
pub struct LocalExecutor<'a> {
    inner: ::smol::LocalExecutor<'a>,
}

impl<'a> LocalExecutor<'a> {
    /// Creates an executor for the current thread.
    #[expect(clippy::must_use_candidate, reason = "the original is not marked either")]
    pub const fn new() -> Self {
        Self { inner: ::smol::LocalExecutor::new() }
    }

    /// Returns the executor of smol, with the tasks of this one.
    #[must_use]
    pub fn into_inner(self) -> ::smol::LocalExecutor<'a> {
        self.inner
    }

    /// Returns whether no tasks are left.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// Spawns a task that inherits the context.
    pub fn spawn<T: 'a>(&self, future: impl Future<Output = T> + 'a) -> Task<T> {
        self.inner.spawn(future.in_inherited_context())
    }

    /// Spawns many tasks that inherit the context, each into a copy of its own, and adds them to `handles`.
    ///
    /// The iterator runs while the executor is locked: it must not spawn.
    pub fn spawn_many<T: 'a, F: Future<Output = T> + 'a>(
        &self,
        futures: impl IntoIterator<Item = F>,
        handles: &mut impl Extend<Task<F::Output>>,
    ) {
        self.inner.spawn_many(futures.into_iter().map(ContextExt::in_inherited_context), handles);
    }

    /// Runs a task that is ready, if there is one, and returns whether there was one.
    pub fn try_tick(&self) -> bool {
        self.inner.try_tick()
    }

    /// Runs a task as soon as one is ready.
    pub async fn tick(&self) {
        self.inner.tick().await;
    }

    /// Runs the executor until the future completes. The future is polled in place, in the current context.
    pub async fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.inner.run(future).await
    }
}

impl<'a> From<::smol::LocalExecutor<'a>> for LocalExecutor<'a> {
    fn from(inner: ::smol::LocalExecutor<'a>) -> Self {
        Self { inner }
    }
}

impl fmt::Debug for LocalExecutor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
