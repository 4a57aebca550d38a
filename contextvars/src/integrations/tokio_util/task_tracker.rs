//! [`TaskTracker`]: tokio-util's, with spawns that inherit the context.

use std::fmt;
use std::future::Future;
use std::ops::Deref;

use ::tokio::runtime::Handle;
use ::tokio::task::{JoinHandle, LocalSet};
use ::tokio_util::task::task_tracker::{TaskTrackerWaitFuture, TrackedFuture};

use crate::context::inherit_context;
use crate::task::inheriting;

/// A [`tokio_util::task::TaskTracker`](::tokio_util::task::TaskTracker) whose tasks inherit the context of their
/// spawner.
///
/// It has all methods of the original, and dereferences to it.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, tokio, tokio_util::task::TaskTracker};
/// #[context_var]
/// static TENANT: u32;
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() {
///     TENANT.set(1);
///     let tracker = TaskTracker::new();
///     let seen = tracker.spawn(async { TENANT.get() });
///     tracker.close();
///     tracker.wait().await;
///     assert_eq!(seen.await.unwrap(), 1);
/// }
/// ```
///
/// # Python
/// `asyncio.TaskGroup`, whose tasks copy the whole context.
#[derive(Clone, Default)]
pub struct TaskTracker {
    inner: ::tokio_util::task::TaskTracker,
}

impl TaskTracker {
    /// Creates a tracker without tasks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the tracker of tokio-util, for the same tasks.
    #[must_use]
    pub fn into_inner(self) -> ::tokio_util::task::TaskTracker {
        self.inner
    }

    /// Returns whether both are clones of the same tracker.
    #[must_use]
    pub fn ptr_eq(left: &Self, right: &Self) -> bool {
        ::tokio_util::task::TaskTracker::ptr_eq(left, right)
    }

    /// Returns a future that completes when the tracker is closed and all its tasks have ended.
    pub fn wait(&self) -> TaskTrackerWaitFuture<'_> {
        self.inner.wait()
    }

    /// Closes the tracker, so that [`wait`](Self::wait) can complete. Returns whether it was open.
    #[expect(clippy::must_use_candidate, reason = "it changes the tracker")]
    pub fn close(&self) -> bool {
        self.inner.close()
    }

    /// Reopens the tracker, so that [`wait`](Self::wait) does not complete. Returns whether it was closed.
    #[expect(clippy::must_use_candidate, reason = "it changes the tracker")]
    pub fn reopen(&self) -> bool {
        self.inner.reopen()
    }

    /// Returns whether the tracker is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// Returns the number of tasks that have not ended.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// Returns whether all tasks have ended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// Tracks a future until it is dropped. It runs in the context of the task that polls it.
    pub fn track_future<F: Future>(&self, future: F) -> TrackedFuture<F> {
        self.inner.track_future(future)
    }

    /// Returns a token, which counts as a task until it is dropped.
    pub fn token(&self) -> TaskTrackerToken {
        TaskTrackerToken { inner: self.inner.token(), tracker: self.clone() }
    }

    /// Spawns a task that inherits the context, and tracks it.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[track_caller]
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.inner.spawn(inheriting(task))
    }

    /// Spawns a task that inherits the context on the given runtime, and tracks it.
    #[track_caller]
    pub fn spawn_on<F>(&self, task: F, handle: &Handle) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.inner.spawn_on(inheriting(task), handle)
    }

    /// Spawns a `!Send` task that inherits the context, and tracks it.
    ///
    /// # Panics
    /// Outside of a `LocalSet` and of a `LocalRuntime`.
    #[track_caller]
    pub fn spawn_local<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.inner.spawn_local(inheriting(task))
    }

    /// Spawns a `!Send` task that inherits the context on the given `LocalSet`, and tracks it.
    #[track_caller]
    pub fn spawn_local_on<F>(&self, task: F, local_set: &LocalSet) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.inner.spawn_local_on(inheriting(task), local_set)
    }

    /// Runs a blocking function that inherits the context on the blocking pool, and tracks it.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[cfg(not(target_family = "wasm"))]
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, task: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.inner.spawn_blocking(inherit_context().wrap_once(task))
    }

    /// Runs a blocking function that inherits the context on the blocking pool of the given runtime, and tracks it.
    #[cfg(not(target_family = "wasm"))]
    #[track_caller]
    pub fn spawn_blocking_on<F, T>(&self, task: F, handle: &Handle) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.inner.spawn_blocking_on(inherit_context().wrap_once(task), handle)
    }
}

/// A [`tokio_util::task::task_tracker::TaskTrackerToken`](::tokio_util::task::task_tracker::TaskTrackerToken) whose
/// tracker spawns tasks that inherit the context.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, tokio, tokio_util::task::TaskTracker};
/// #[context_var]
/// static TENANT: u32;
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() {
///     TENANT.set(1);
///     let token = TaskTracker::new().token();
///     assert_eq!(token.task_tracker().spawn(async { TENANT.get() }).await.unwrap(), 1);
/// }
/// ```
#[must_use]
#[derive(Clone)]
pub struct TaskTrackerToken {
    inner: ::tokio_util::task::task_tracker::TaskTrackerToken,
    tracker: TaskTracker,
}

impl TaskTrackerToken {
    /// Returns the tracker that counts this token.
    #[must_use]
    pub fn task_tracker(&self) -> &TaskTracker {
        &self.tracker
    }

    /// Returns the token of tokio-util, which still counts as a task.
    pub fn into_inner(self) -> ::tokio_util::task::task_tracker::TaskTrackerToken {
        self.inner
    }
}

impl From<::tokio_util::task::task_tracker::TaskTrackerToken> for TaskTrackerToken {
    fn from(inner: ::tokio_util::task::task_tracker::TaskTrackerToken) -> Self {
        let tracker = inner.task_tracker().clone().into();
        Self { inner, tracker }
    }
}

impl fmt::Debug for TaskTrackerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl From<::tokio_util::task::TaskTracker> for TaskTracker {
    fn from(inner: ::tokio_util::task::TaskTracker) -> Self {
        Self { inner }
    }
}

impl Deref for TaskTracker {
    type Target = ::tokio_util::task::TaskTracker;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl fmt::Debug for TaskTracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
