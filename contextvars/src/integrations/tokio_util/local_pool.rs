//! [`LocalPoolHandle`]: tokio-util's, with spawns that inherit the context.

use std::fmt;
use std::future::Future;
use std::ops::Deref;

use ::tokio::task::JoinHandle;

use crate::context::inherit_context;
use crate::task::{ContextExt, InContext, around_its_own};

/// A [`tokio_util::task::LocalPoolHandle`](::tokio_util::task::LocalPoolHandle) whose tasks inherit the context of
/// their spawner.
///
/// It has all methods of the original, and dereferences to it.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, tokio, tokio_util::task::LocalPoolHandle};
/// #[context_var]
/// static TENANT: u32;
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() {
///     TENANT.set(1);
///     let pool = LocalPoolHandle::new(2);
///     assert_eq!(pool.spawn_pinned(|| async { TENANT.get() }).await.unwrap(), 1);
/// }
/// ```
#[derive(Clone)]
pub struct LocalPoolHandle {
    inner: ::tokio_util::task::LocalPoolHandle,
}

impl LocalPoolHandle {
    /// Starts a pool of `pool_size` threads, each with a runtime for `!Send` tasks.
    ///
    /// # Panics
    /// If `pool_size` is 0.
    #[track_caller]
    #[must_use]
    pub fn new(pool_size: usize) -> Self {
        Self::from(::tokio_util::task::LocalPoolHandle::new(pool_size))
    }

    /// Returns the handle of tokio-util, for the same pool.
    #[must_use]
    pub fn into_inner(self) -> ::tokio_util::task::LocalPoolHandle {
        self.inner
    }

    /// Returns the number of threads of the pool.
    #[must_use]
    pub fn num_threads(&self) -> usize {
        self.inner.num_threads()
    }

    /// Returns the number of tasks of each thread.
    #[must_use]
    pub fn get_task_loads_for_each_worker(&self) -> Vec<usize> {
        self.inner.get_task_loads_for_each_worker()
    }

    /// Spawns a task that inherits the context, on the thread with the fewest tasks. `create_task` is called on that
    /// thread, in the task's context.
    pub fn spawn_pinned<F, Fut>(&self, create_task: F) -> JoinHandle<Fut::Output>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future + 'static,
        Fut::Output: Send + 'static,
    {
        self.inner.spawn_pinned(creating(create_task))
    }

    /// Spawns a task that inherits the context, on the thread with this index. `create_task` is called on that thread,
    /// in the task's context.
    ///
    /// # Panics
    /// If the pool has no thread with this index.
    #[track_caller]
    pub fn spawn_pinned_by_idx<F, Fut>(&self, create_task: F, idx: usize) -> JoinHandle<Fut::Output>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future + 'static,
        Fut::Output: Send + 'static,
    {
        self.inner.spawn_pinned_by_idx(creating(create_task), idx)
    }
}

/// Calls `create_task` in a copy of the current context, which becomes the task's, unless the future has a context of
/// its own.
fn creating<F: FnOnce() -> Fut, Fut>(create_task: F) -> impl FnOnce() -> InContext<Fut> {
    let work = create_task.in_context(inherit_context());
    move || {
        let (create_task, mut context) = work.into_parts();
        let (task, around) = context.run(|| (create_task(), around_its_own::<Fut>()));
        task.in_context(around.unwrap_or(context))
    }
}

impl From<::tokio_util::task::LocalPoolHandle> for LocalPoolHandle {
    fn from(inner: ::tokio_util::task::LocalPoolHandle) -> Self {
        Self { inner }
    }
}

impl Deref for LocalPoolHandle {
    type Target = ::tokio_util::task::LocalPoolHandle;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl fmt::Debug for LocalPoolHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
