//! [`ThreadPool`]: rayon's pool, with jobs that inherit the context.

use std::fmt;
use std::ops::Deref;

use ::rayon::{BroadcastContext, Yield};

use super::job::{broadcasting, waiting};
use super::scope::{Scope, ScopeFifo, scope_body, scope_fifo_body, waiting_in_place};
use crate::context::inherit_context;

/// A [`rayon::ThreadPool`](::rayon::ThreadPool) whose jobs inherit the context of their spawner.
///
/// It dereferences to rayon's own pool, for functions that take one; jobs that are started through that do not inherit.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, rayon};
/// #[context_var]
/// static TENANT: u32;
///
/// # fn main() {
/// let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
/// TENANT.set(1);
/// let seen = pool.install(|| rayon::join(|| TENANT.get(), || TENANT.get()));
/// assert_eq!(seen, (1, 1));
/// # }
/// ```
///
/// # Python
/// `concurrent.futures.ThreadPoolExecutor`, which does not propagate the context: write
/// `pool.submit(copy_context().run, f)`.
pub struct ThreadPool {
    inner: ::rayon::ThreadPool,
}

impl ThreadPool {
    /// Returns rayon's own pool.
    #[must_use]
    pub fn into_inner(self) -> ::rayon::ThreadPool {
        self.inner
    }

    /// Returns the number of threads of the pool.
    #[expect(clippy::must_use_candidate, reason = "rayon's is not")]
    pub fn current_num_threads(&self) -> usize {
        self.inner.current_num_threads()
    }

    /// Returns the index of this thread in the pool, or `None` if it is not one of the pool's threads.
    #[expect(clippy::must_use_candidate, reason = "rayon's is not")]
    pub fn current_thread_index(&self) -> Option<usize> {
        self.inner.current_thread_index()
    }

    /// Returns whether jobs wait for this thread in particular, or `None` if it is not one of the pool's threads.
    #[expect(clippy::must_use_candidate, reason = "rayon's is not")]
    pub fn current_thread_has_pending_tasks(&self) -> Option<bool> {
        self.inner.current_thread_has_pending_tasks()
    }

    /// Runs `f` in the pool and in a copy of the current context, and returns its result.
    ///
    /// # Panics
    /// If `f` panics.
    pub fn install<F, R>(&self, f: F) -> R
    where
        F: FnOnce() -> R + Send,
        R: Send,
    {
        let f = inherit_context().wrap_once(f);
        waiting(|| self.inner.install(f))
    }

    /// Like [`join`](super::join), in this pool.
    ///
    /// # Panics
    /// If one of the closures panics.
    pub fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        let (a, b) = (inherit_context().wrap_once(a), inherit_context().wrap_once(b));
        waiting(|| self.inner.join(a, b))
    }

    /// Like [`scope`](super::scope()), in this pool.
    ///
    /// # Panics
    /// If `f` or one of the jobs panics.
    pub fn scope<'scope, F, R>(&self, f: F) -> R
    where
        F: FnOnce(&Scope<'scope>) -> R + Send,
        R: Send,
    {
        let body = scope_body(f);
        waiting(|| self.inner.scope(body))
    }

    /// Like [`scope_fifo`](super::scope_fifo), in this pool.
    ///
    /// # Panics
    /// If `f` or one of the jobs panics.
    pub fn scope_fifo<'scope, F, R>(&self, f: F) -> R
    where
        F: FnOnce(&ScopeFifo<'scope>) -> R + Send,
        R: Send,
    {
        let body = scope_fifo_body(f);
        waiting(|| self.inner.scope_fifo(body))
    }

    /// Like [`in_place_scope`](super::in_place_scope), with the jobs in this pool.
    ///
    /// # Panics
    /// If `f` or one of the jobs panics.
    pub fn in_place_scope<'scope, F, R>(&self, f: F) -> R
    where
        F: FnOnce(&Scope<'scope>) -> R,
    {
        waiting_in_place(|caller| self.inner.in_place_scope(|inner| caller.outside(|| f(inner))))
    }

    /// Like [`in_place_scope_fifo`](super::in_place_scope_fifo), with the jobs in this pool.
    ///
    /// # Panics
    /// If `f` or one of the jobs panics.
    pub fn in_place_scope_fifo<'scope, F, R>(&self, f: F) -> R
    where
        F: FnOnce(&ScopeFifo<'scope>) -> R,
    {
        waiting_in_place(|caller| self.inner.in_place_scope_fifo(|inner| caller.outside(|| f(inner))))
    }

    /// Starts a job that inherits the context, as [`spawn`](super::spawn()) does.
    pub fn spawn<F>(&self, f: F)
    where
        F: FnOnce() + Send + 'static,
    {
        self.inner.spawn(inherit_context().wrap_once(f));
    }

    /// Starts a job that inherits the context, first in, first out, as [`spawn_fifo`](super::spawn_fifo) does.
    pub fn spawn_fifo<F>(&self, f: F)
    where
        F: FnOnce() + Send + 'static,
    {
        self.inner.spawn_fifo(inherit_context().wrap_once(f));
    }

    /// Calls `f` on every thread of the pool, each time in a copy of the current context, and returns the results.
    ///
    /// # Panics
    /// If `f` panics.
    pub fn broadcast<F, R>(&self, f: F) -> Vec<R>
    where
        F: Fn(BroadcastContext<'_>) -> R + Sync,
        R: Send,
    {
        let context = inherit_context();
        waiting(|| self.inner.broadcast(|thread| context.run_copy(|| f(thread))))
    }

    /// Starts a job on every thread of the pool, each in a copy of the current context, as
    /// [`spawn_broadcast`](super::spawn_broadcast) does.
    pub fn spawn_broadcast<F>(&self, f: F)
    where
        F: Fn(BroadcastContext<'_>) + Send + Sync + 'static,
    {
        self.inner.spawn_broadcast(broadcasting(f));
    }

    /// Like [`yield_now`](super::yield_now), if this thread is one of this pool.
    #[expect(clippy::must_use_candidate, reason = "rayon's is not")]
    pub fn yield_now(&self) -> Option<Yield> {
        waiting(|| self.inner.yield_now())
    }

    /// Like [`yield_local`](super::yield_local), if this thread is one of this pool.
    #[expect(clippy::must_use_candidate, reason = "rayon's is not")]
    pub fn yield_local(&self) -> Option<Yield> {
        waiting(|| self.inner.yield_local())
    }
}

impl From<::rayon::ThreadPool> for ThreadPool {
    fn from(inner: ::rayon::ThreadPool) -> Self {
        Self { inner }
    }
}

impl Deref for ThreadPool {
    type Target = ::rayon::ThreadPool;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
