//! [`JoinQueue`]: tokio-util's, with spawns that inherit the context.

use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};

use ::tokio::runtime::Handle;
use ::tokio::task::AbortHandle;

use crate::context::inherit_context;
use crate::integrations::tokio::joining::joining_methods;
use crate::task::inheriting;

/// A [`tokio_util::task::JoinQueue`](::tokio_util::task::JoinQueue) whose tasks inherit the context of their spawner.
///
/// It has all methods of the original, and dereferences to it.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, tokio, tokio_util::task::JoinQueue};
/// #[context_var]
/// static TENANT: u32;
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() {
///     TENANT.set(1);
///     let queue: JoinQueue<u32> = (0..3).map(|n| async move { n + TENANT.get() }).collect();
///     assert_eq!(queue.join_all().await, [1, 2, 3]);
/// }
/// ```
///
/// # Python
/// `asyncio.gather`, whose tasks copy the whole context.
pub struct JoinQueue<T> {
    inner: ::tokio_util::task::JoinQueue<T>,
}

impl<T> JoinQueue<T> {
    /// Creates an empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty queue with capacity for `capacity` tasks.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::from(::tokio_util::task::JoinQueue::with_capacity(capacity))
    }

    /// Returns the queue of tokio-util, with the tasks of this one.
    #[must_use]
    pub fn into_inner(self) -> ::tokio_util::task::JoinQueue<T> {
        self.inner
    }

    joining_methods!();
    joining_methods!(waiting);

    /// Spawns a task that inherits the context.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[track_caller]
    pub fn spawn<F>(&mut self, task: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        self.inner.spawn(inheriting(task))
    }

    /// Spawns a task that inherits the context, on the given runtime.
    #[track_caller]
    pub fn spawn_on<F>(&mut self, task: F, handle: &Handle) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
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
        T: 'static,
    {
        self.inner.spawn_local(inheriting(task))
    }

    /// Runs a blocking function that inherits the context on the blocking pool.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, f: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.inner.spawn_blocking(inherit_context().wrap_once(f))
    }

    /// Runs a blocking function that inherits the context on the blocking pool of the given runtime.
    #[track_caller]
    pub fn spawn_blocking_on<F>(&mut self, f: F, handle: &Handle) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.inner.spawn_blocking_on(inherit_context().wrap_once(f), handle)
    }

    /// Waits for all tasks and returns their outputs, in the order in which they were spawned.
    ///
    /// # Panics
    /// If a task panics; the others are then aborted.
    pub async fn join_all(self) -> Vec<T> {
        self.inner.join_all().await
    }
}

impl<T> Default for JoinQueue<T> {
    fn default() -> Self {
        Self::from(::tokio_util::task::JoinQueue::default())
    }
}

impl<T> From<::tokio_util::task::JoinQueue<T>> for JoinQueue<T> {
    fn from(inner: ::tokio_util::task::JoinQueue<T>) -> Self {
        Self { inner }
    }
}

/// Spawns each future, which inherits the context.
impl<T, F> FromIterator<F> for JoinQueue<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    fn from_iter<I: IntoIterator<Item = F>>(futures: I) -> Self {
        let mut queue = Self::new();
        for future in futures {
            queue.spawn(future);
        }
        queue
    }
}

impl<T> Deref for JoinQueue<T> {
    type Target = ::tokio_util::task::JoinQueue<T>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl<T> DerefMut for JoinQueue<T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.inner
    }
}

impl<T> fmt::Debug for JoinQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
