//! [`JoinSet`]: tokio's, with spawns that inherit the context.

use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};

use ::tokio::runtime::Handle;
use ::tokio::task::{AbortHandle, LocalSet};

use super::joining::joining_methods;
use crate::context::inherit_context;
use crate::task::inheriting;

/// A [`tokio::task::JoinSet`](::tokio::task::JoinSet) whose tasks inherit the context of their spawner.
///
/// It has all methods of the original, and dereferences to it.
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
///     let mut set: tokio::task::JoinSet<u32> = (0..3).map(|n| async move { n + TENANT.get() }).collect();
///     set.spawn(async { TENANT.get() * 10 });
///     let mut all = set.join_all().await;
///     all.sort_unstable();
///     assert_eq!(all, [1, 2, 3, 10]);
/// }
/// ```
///
/// # Python
/// `asyncio.TaskGroup`, whose tasks copy the whole context.
pub struct JoinSet<T> {
    inner: ::tokio::task::JoinSet<T>,
}

impl<T> JoinSet<T> {
    /// Creates an empty set.
    #[must_use]
    pub fn new() -> Self {
        Self { inner: ::tokio::task::JoinSet::new() }
    }

    /// Returns the set of tokio, with the tasks of this one.
    #[must_use]
    pub fn into_inner(self) -> ::tokio::task::JoinSet<T> {
        self.inner
    }

    joining_methods!();
}

impl<T: 'static> JoinSet<T> {
    joining_methods!(waiting);

    /// Refused: tasks with names need the feature `tokio-tracing`.
    #[cfg(all(tokio_unstable, not(feature = "tokio-tracing")))]
    pub fn build_task(&mut self) -> super::no_task_builder::MemberBuilder<'_, T>
    where
        Self: super::no_task_builder::NamedTasks,
    {
        <Self as super::no_task_builder::NamedTasks>::refused()
    }

    /// Returns a builder of a task with a name.
    #[cfg(all(tokio_unstable, feature = "tokio-tracing"))]
    pub fn build_task(&mut self) -> super::task_builder::MemberBuilder<'_, T> {
        super::task_builder::MemberBuilder::new(self.inner.build_task())
    }

    /// Spawns a task that inherits the context.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[track_caller]
    pub fn spawn<F>(&mut self, task: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.inner.spawn(inheriting(task))
    }

    /// Spawns a task that inherits the context, on the given runtime.
    #[track_caller]
    pub fn spawn_on<F>(&mut self, task: F, handle: &Handle) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.inner.spawn_on(inheriting(task), handle)
    }

    /// Spawns a `!Send` task that inherits the context.
    ///
    /// # Panics
    /// Outside of a `LocalSet` and of a `LocalRuntime`.
    #[track_caller]
    pub fn spawn_local<F>(&mut self, task: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.inner.spawn_local(inheriting(task))
    }

    /// Spawns a `!Send` task that inherits the context, on the given `LocalSet`.
    #[track_caller]
    pub fn spawn_local_on<F>(&mut self, task: F, local_set: &LocalSet) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.inner.spawn_local_on(inheriting(task), local_set)
    }

    /// Runs a blocking function that inherits the context on the blocking pool.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, f: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.inner.spawn_blocking(inherit_context().wrap_once(f))
    }

    /// Runs a blocking function that inherits the context on the blocking pool of the given runtime.
    #[track_caller]
    pub fn spawn_blocking_on<F>(&mut self, f: F, handle: &Handle) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.inner.spawn_blocking_on(inherit_context().wrap_once(f), handle)
    }

    /// Waits for all tasks and returns their outputs, in the order in which they finish.
    ///
    /// # Panics
    /// If a task panics; the others are then aborted.
    pub async fn join_all(self) -> Vec<T> {
        self.inner.join_all().await
    }
}

impl<T> Default for JoinSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<::tokio::task::JoinSet<T>> for JoinSet<T> {
    fn from(inner: ::tokio::task::JoinSet<T>) -> Self {
        Self { inner }
    }
}

/// Spawns each future, which inherits the context.
impl<T, F> FromIterator<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    fn from_iter<I: IntoIterator<Item = F>>(futures: I) -> Self {
        let mut set = Self::new();
        set.extend(futures);
        set
    }
}

/// Spawns each future, which inherits the context.
impl<T, F> Extend<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    fn extend<I: IntoIterator<Item = F>>(&mut self, futures: I) {
        for future in futures {
            self.spawn(future);
        }
    }
}

impl<T> Deref for JoinSet<T> {
    type Target = ::tokio::task::JoinSet<T>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl<T> DerefMut for JoinSet<T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.inner
    }
}

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
