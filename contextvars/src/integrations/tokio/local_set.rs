//! [`LocalSet`]: tokio's, with a `spawn_local` that inherits the context.

use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{self, Poll};

use ::tokio::runtime::{self, Runtime};
use ::tokio::task::{JoinHandle, LocalEnterGuard};

use crate::task::inheriting;

/// A [`tokio::task::LocalSet`](::tokio::task::LocalSet) whose tasks inherit the context of their spawner.
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
///     let local = tokio::task::LocalSet::new();
///     let seen = local.spawn_local(async { TENANT.get() });
///     local.await;
///     assert_eq!(seen.await.unwrap(), 1);
/// }
/// ```
#[derive(Default)]
pub struct LocalSet {
    inner: ::tokio::task::LocalSet,
}

impl LocalSet {
    /// Creates an empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the set of tokio, with the tasks of this one.
    #[must_use]
    pub fn into_inner(self) -> ::tokio::task::LocalSet {
        self.inner
    }

    /// Spawns a `!Send` task that inherits the context.
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.inner.spawn_local(inheriting(future))
    }

    /// Runs `future` on the given runtime, and meanwhile the tasks of this set. `future` runs in the current context.
    ///
    /// # Panics
    /// Within a runtime.
    #[track_caller]
    pub fn block_on<F: Future>(&self, rt: &Runtime, future: F) -> F::Output {
        self.inner.block_on(rt, future)
    }

    /// Runs `future`, and meanwhile the tasks of this set. `future` runs in the context of the task that polls it.
    pub async fn run_until<F: Future>(&self, future: F) -> F::Output {
        self.inner.run_until(future).await
    }

    /// Makes this the set that [`spawn_local`](super::task::spawn_local) spawns on, until the guard is dropped.
    pub fn enter(&self) -> LocalEnterGuard {
        self.inner.enter()
    }

    /// Returns the set's id, which differs from those of all runtimes and other sets.
    #[must_use]
    pub fn id(&self) -> runtime::Id {
        self.inner.id()
    }

    /// Configures how the set responds when one of its tasks panics.
    #[cfg(tokio_unstable)]
    pub fn unhandled_panic(&mut self, behavior: runtime::UnhandledPanic) -> &mut Self {
        self.inner.unhandled_panic(behavior);
        self
    }
}

impl Future for LocalSet {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        Pin::new(&mut self.inner).poll(cx)
    }
}

impl From<::tokio::task::LocalSet> for LocalSet {
    fn from(inner: ::tokio::task::LocalSet) -> Self {
        Self { inner }
    }
}

impl Deref for LocalSet {
    type Target = ::tokio::task::LocalSet;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl DerefMut for LocalSet {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.inner
    }
}

impl fmt::Debug for LocalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
