//! [`ThreadPool`]: rayon's, with jobs that inherit the context.

use std::any::Any;
use std::fmt;
use std::ops::Deref;

use ::rayon::{BroadcastContext, ThreadPoolBuildError, Yield};

use super::job::{broadcasting, waiting};
use super::scope::{Scope, ScopeFifo, scope_body, scope_fifo_body, waiting_in_place};
use crate::context::inherit_context;

/// A [`rayon::ThreadPool`](::rayon::ThreadPool) whose jobs inherit the context of whoever starts them.
///
/// It dereferences to rayon's own, which has everything that does not start jobs.
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
/// `concurrent.futures.ThreadPoolExecutor`, but that hands no context on: there it takes
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

    /// Runs `f` in the pool and in a copy of the current context, and returns its result.
    ///
    /// # Panics
    /// If `f` does.
    pub fn install<F, R>(&self, f: F) -> R
    where
        F: FnOnce() -> R + Send,
        R: Send,
    {
        let f = inherit_context().wrap_once(f);
        waiting(|| self.inner.install(f))
    }

    /// Does what [`join`](super::join) does, in this pool.
    ///
    /// # Panics
    /// If one of the closures does.
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

    /// Does what [`scope`](super::scope()) does, in this pool.
    ///
    /// # Panics
    /// If `f` or one of the jobs does.
    pub fn scope<'scope, F, R>(&self, f: F) -> R
    where
        F: FnOnce(&Scope<'_, 'scope>) -> R + Send,
        R: Send,
    {
        let body = scope_body(f);
        waiting(|| self.inner.scope(body))
    }

    /// Does what [`scope_fifo`](super::scope_fifo) does, in this pool.
    ///
    /// # Panics
    /// If `f` or one of the jobs does.
    pub fn scope_fifo<'scope, F, R>(&self, f: F) -> R
    where
        F: FnOnce(&ScopeFifo<'_, 'scope>) -> R + Send,
        R: Send,
    {
        let body = scope_fifo_body(f);
        waiting(|| self.inner.scope_fifo(body))
    }

    /// Does what [`in_place_scope`](super::in_place_scope) does, with the jobs in this pool.
    ///
    /// # Panics
    /// If `f` or one of the jobs does.
    pub fn in_place_scope<'scope, F, R>(&self, f: F) -> R
    where
        F: FnOnce(&Scope<'_, 'scope>) -> R,
    {
        waiting_in_place(|caller| self.inner.in_place_scope(|inner| caller.outside(|| f(&Scope::new(inner)))))
    }

    /// Does what [`in_place_scope_fifo`](super::in_place_scope_fifo) does, with the jobs in this pool.
    ///
    /// # Panics
    /// If `f` or one of the jobs does.
    pub fn in_place_scope_fifo<'scope, F, R>(&self, f: F) -> R
    where
        F: FnOnce(&ScopeFifo<'_, 'scope>) -> R,
    {
        waiting_in_place(|caller| self.inner.in_place_scope_fifo(|inner| caller.outside(|| f(&ScopeFifo::new(inner)))))
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
    /// If `f` does.
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

    /// Does what [`yield_now`](super::yield_now) does, if this thread is one of this pool.
    #[must_use = "tells whether a job was run, and `None` outside of the pool"]
    pub fn yield_now(&self) -> Option<Yield> {
        waiting(|| self.inner.yield_now())
    }

    /// Does what [`yield_local`](super::yield_local) does, if this thread is one of this pool.
    #[must_use = "tells whether a job was run, and `None` outside of the pool"]
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

/// A [`rayon::ThreadPoolBuilder`](::rayon::ThreadPoolBuilder) that builds a [`ThreadPool`] of this module.
///
/// For what it does not have, `spawn_handler` and `build_scoped`, build the pool with rayon's own and make a
/// [`ThreadPool`] `from` it.
///
/// # Examples
///
/// The pool's threads begin in an empty context, whoever builds it; its jobs have that of whoever starts them.
///
/// ```
/// # use contextvars::{context_var, rayon, with_context};
/// #[context_var(default = 0)]
/// static REQUEST_ID: u64;
///
/// # fn main() -> Result<(), rayon::ThreadPoolBuildError> {
/// let (sender, receiver) = std::sync::mpsc::channel();
/// let at_start = move |_| sender.send(REQUEST_ID.get()).unwrap();
/// REQUEST_ID.set(1);
/// let pool = rayon::ThreadPoolBuilder::new().num_threads(1).start_handler(at_start).build()?;
/// assert_eq!(receiver.recv(), Ok(0));
/// assert_eq!(with_context!(REQUEST_ID = 2, { pool.install(|| REQUEST_ID.get()) }), 2);
///
/// // Of one that rayon built:
/// let pool = rayon::ThreadPool::from(::rayon::ThreadPoolBuilder::new().num_threads(1).build()?);
/// assert_eq!(with_context!(REQUEST_ID = 3, { pool.install(|| REQUEST_ID.get()) }), 3);
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct ThreadPoolBuilder {
    inner: ::rayon::ThreadPoolBuilder,
}

impl ThreadPoolBuilder {
    /// Creates a builder with rayon's defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Builds the pool.
    ///
    /// # Errors
    /// As [`rayon::ThreadPoolBuilder::build`](::rayon::ThreadPoolBuilder::build).
    pub fn build(self) -> Result<ThreadPool, ThreadPoolBuildError> {
        self.inner.build().map(ThreadPool::from)
    }

    /// Builds the global pool, which everything outside of another pool uses.
    ///
    /// # Errors
    /// As [`rayon::ThreadPoolBuilder::build_global`](::rayon::ThreadPoolBuilder::build_global): if there is one.
    pub fn build_global(self) -> Result<(), ThreadPoolBuildError> {
        self.inner.build_global()
    }

    /// Sets how many threads the pool has; 0, the default, means one for each core.
    #[must_use]
    pub fn num_threads(self, threads: usize) -> Self {
        Self { inner: self.inner.num_threads(threads) }
    }

    /// Sets the name of each thread, by its index.
    #[must_use]
    pub fn thread_name<F>(self, name: F) -> Self
    where
        F: FnMut(usize) -> String + 'static,
    {
        Self { inner: self.inner.thread_name(name) }
    }

    /// Sets the size of each thread's stack, in bytes.
    #[must_use]
    pub fn stack_size(self, bytes: usize) -> Self {
        Self { inner: self.inner.stack_size(bytes) }
    }

    /// Makes the building thread one of the pool's.
    #[must_use]
    pub fn use_current_thread(self) -> Self {
        Self { inner: self.inner.use_current_thread() }
    }

    /// Sets what is called with a spawned job's panic, instead of ending the process.
    #[must_use]
    pub fn panic_handler<F>(self, handler: F) -> Self
    where
        F: Fn(Box<dyn Any + Send>) + Send + Sync + 'static,
    {
        Self { inner: self.inner.panic_handler(handler) }
    }

    /// Sets what each thread calls at its start.
    #[must_use]
    pub fn start_handler<F>(self, handler: F) -> Self
    where
        F: Fn(usize) + Send + Sync + 'static,
    {
        Self { inner: self.inner.start_handler(handler) }
    }

    /// Sets what each thread calls at its end.
    #[must_use]
    pub fn exit_handler<F>(self, handler: F) -> Self
    where
        F: Fn(usize) + Send + Sync + 'static,
    {
        Self { inner: self.inner.exit_handler(handler) }
    }
}

impl fmt::Debug for ThreadPoolBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
