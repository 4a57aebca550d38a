//! [`Builder`]: tokio's builder of named tasks, with spawns that inherit the context.

use std::fmt;
use std::future::Future;
use std::io;

use ::tokio::runtime::Handle;
use ::tokio::task::{AbortHandle, JoinHandle, LocalSet, join_set};

use crate::context::inherit_context;
use crate::task::inheriting;

/// A [`tokio::task::Builder`](::tokio::task::Builder) whose task inherits the context of its spawner.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, tokio};
/// #[context_var]
/// static TENANT: u32;
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> std::io::Result<()> {
///     TENANT.set(1);
///     let task = tokio::task::Builder::new().name("reader").spawn(async { TENANT.get() })?;
///     assert_eq!(task.await.unwrap(), 1);
///     Ok(())
/// }
/// ```
///
/// # Python
/// `asyncio.create_task(coro, name="reader")`, which copies the whole context.
#[derive(Default, Debug)]
pub struct Builder<'a> {
    inner: ::tokio::task::Builder<'a>,
}

impl<'a> Builder<'a> {
    /// Creates a builder of a task without a name.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the task.
    #[must_use]
    pub fn name(&self, name: &'a str) -> Self {
        Self { inner: self.inner.name(name) }
    }

    /// Spawns a task that inherits the context.
    ///
    /// # Errors
    /// As for tokio's method.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.inner.spawn(inheriting(future))
    }

    /// Spawns a task that inherits the context, on the given runtime.
    ///
    /// # Errors
    /// As for tokio's method.
    #[track_caller]
    pub fn spawn_on<F>(self, future: F, handle: &Handle) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.inner.spawn_on(inheriting(future), handle)
    }

    /// Spawns a `!Send` task that inherits the context.
    ///
    /// # Errors
    /// As for tokio's method.
    ///
    /// # Panics
    /// Outside of a `LocalSet` and of a `LocalRuntime`.
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.inner.spawn_local(inheriting(future))
    }

    /// Spawns a `!Send` task that inherits the context, on the given `LocalSet`.
    ///
    /// # Errors
    /// As for tokio's method.
    #[track_caller]
    pub fn spawn_local_on<F>(self, future: F, local_set: &LocalSet) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.inner.spawn_local_on(inheriting(future), local_set)
    }

    /// Runs a blocking function that inherits the context on the blocking pool.
    ///
    /// # Errors
    /// If no thread could be started for the function.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[track_caller]
    pub fn spawn_blocking<F, R>(self, f: F) -> io::Result<JoinHandle<R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.inner.spawn_blocking(inherit_context().wrap_once(f))
    }

    /// Runs a blocking function that inherits the context on the blocking pool of the given runtime.
    ///
    /// # Errors
    /// If no thread could be started for the function.
    #[track_caller]
    pub fn spawn_blocking_on<F, R>(self, f: F, handle: &Handle) -> io::Result<JoinHandle<R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.inner.spawn_blocking_on(inherit_context().wrap_once(f), handle)
    }
}

/// A [`tokio::task::join_set::Builder`](::tokio::task::join_set::Builder) whose task inherits the context of its
/// spawner; [`JoinSet::build_task`](super::join_set::JoinSet::build_task) returns it.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, tokio};
/// #[context_var]
/// static TENANT: u32;
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> std::io::Result<()> {
///     TENANT.set(1);
///     let mut set = tokio::task::JoinSet::new();
///     set.build_task().name("reader").spawn(async { TENANT.get() })?;
///     set.build_task().name("parser").spawn_blocking(|| TENANT.get())?;
///     assert_eq!(set.join_all().await, [1, 1]);
///     Ok(())
/// }
/// ```
#[must_use = "builders do nothing unless used to spawn a task"]
pub struct MemberBuilder<'a, T> {
    inner: join_set::Builder<'a, T>,
}

impl<'a, T: 'static> MemberBuilder<'a, T> {
    pub(super) fn new(inner: join_set::Builder<'a, T>) -> Self {
        Self { inner }
    }

    /// Names the task.
    pub fn name(self, name: &'a str) -> Self {
        Self::new(self.inner.name(name))
    }

    /// Spawns a task that inherits the context.
    ///
    /// # Errors
    /// As for tokio's method.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> io::Result<AbortHandle>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.inner.spawn(inheriting(future))
    }

    /// Spawns a task that inherits the context, on the given runtime.
    ///
    /// # Errors
    /// As for tokio's method.
    #[track_caller]
    pub fn spawn_on<F>(self, future: F, handle: &Handle) -> io::Result<AbortHandle>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.inner.spawn_on(inheriting(future), handle)
    }

    /// Spawns a `!Send` task that inherits the context.
    ///
    /// # Errors
    /// As for tokio's method.
    ///
    /// # Panics
    /// Outside of a `LocalSet` and of a `LocalRuntime`.
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> io::Result<AbortHandle>
    where
        F: Future<Output = T> + 'static,
    {
        self.inner.spawn_local(inheriting(future))
    }

    /// Spawns a `!Send` task that inherits the context, on the given `LocalSet`.
    ///
    /// # Errors
    /// As for tokio's method.
    #[track_caller]
    pub fn spawn_local_on<F>(self, future: F, local_set: &LocalSet) -> io::Result<AbortHandle>
    where
        F: Future<Output = T> + 'static,
    {
        self.inner.spawn_local_on(inheriting(future), local_set)
    }

    /// Runs a blocking function that inherits the context on the blocking pool.
    ///
    /// # Errors
    /// If no thread could be started for the function.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[track_caller]
    pub fn spawn_blocking<F>(self, f: F) -> io::Result<AbortHandle>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.inner.spawn_blocking(inherit_context().wrap_once(f))
    }

    /// Runs a blocking function that inherits the context on the blocking pool of the given runtime.
    ///
    /// # Errors
    /// If no thread could be started for the function.
    #[track_caller]
    pub fn spawn_blocking_on<F>(self, f: F, handle: &Handle) -> io::Result<AbortHandle>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.inner.spawn_blocking_on(inherit_context().wrap_once(f), handle)
    }
}

impl<T> fmt::Debug for MemberBuilder<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
