//! [`Executor`]: smol's, with spawns that inherit the context.

use std::fmt;
use std::future::Future;

use ::smol::Task;
use contextvars::ContextExt;

/// A [`smol::Executor`](::smol::Executor) whose tasks inherit the context of their spawner.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, with_context};
/// # use contextvars_smol as smol;
/// use smol::Executor;
///
/// #[context_var(default = 0)]
/// static REQUEST_ID: u64;
///
/// # fn main() {
/// let executor = Executor::new();
/// let tasks = [7, 8].map(|id| with_context!(REQUEST_ID = id, { executor.spawn(async { REQUEST_ID.get() }) }));
/// let [seven, eight] = tasks;
/// assert_eq!(smol::block_on(executor.run(smol::future::zip(seven, eight))), (7, 8));
/// # }
/// ```
///
/// # Python
/// An event loop.
#[derive(Default)]
pub struct Executor<'a> {
    inner: ::smol::Executor<'a>,
}

impl<'a> Executor<'a> {
    /// Creates an executor.
    #[expect(clippy::must_use_candidate, reason = "the original is not marked either")]
    pub const fn new() -> Self {
        Self { inner: ::smol::Executor::new() }
    }

    /// Returns the executor of smol, with the tasks of this one.
    #[must_use]
    pub fn into_inner(self) -> ::smol::Executor<'a> {
        self.inner
    }

    /// Returns whether no tasks are left.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// Spawns a task that inherits the context.
    pub fn spawn<T: Send + 'a>(&self, future: impl Future<Output = T> + Send + 'a) -> Task<T> {
        self.inner.spawn(future.in_inherited_context())
    }

    /// Spawns many tasks that inherit the context, each into a copy of its own, and adds them to `handles`.
    ///
    /// The iterator runs while the executor is locked: it must not spawn.
    pub fn spawn_many<T: Send + 'a, F: Future<Output = T> + Send + 'a>(
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

impl<'a> From<::smol::Executor<'a>> for Executor<'a> {
    fn from(inner: ::smol::Executor<'a>) -> Self {
        Self { inner }
    }
}

impl fmt::Debug for Executor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
