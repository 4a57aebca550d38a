//! Single jobs: [`join`], [`spawn`], [`broadcast`] and what resembles them.

use ::rayon::{BroadcastContext, FnContext, Yield};

use crate::context::{TaskContext, inherit_context};
use crate::task::{ContextExt, inheriting};

/// Takes two closures and runs them, in parallel where a thread is free, each in a copy of the current context.
///
/// As [`rayon::join`](::rayon::join). The context is copied twice: two reference counts.
///
/// # Panics
/// If one of the closures does. The caller's context is then as it was.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, rayon};
/// #[context_var]
/// static TENANT: u32;
///
/// # fn main() {
/// TENANT.set(1);
/// let (seen, set) = rayon::join(
///     || TENANT.get(),
///     || {
///         TENANT.set(2);
///         TENANT.get()
///     },
/// );
/// assert_eq!((seen, set, TENANT.get()), (1, 2, 1));
/// # }
/// ```
pub fn join<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
where
    A: FnOnce() -> RA + Send,
    B: FnOnce() -> RB + Send,
    RA: Send,
    RB: Send,
{
    let (a, b) = (inheriting(a), inheriting(b));
    waiting(|| ::rayon::join(a, b))
}

/// Does what [`join`] does, for closures that want to know whether they were stolen; see
/// [`rayon::join_context`](::rayon::join_context), whose "context" is not ours.
///
/// # Panics
/// If one of the closures does.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, rayon};
/// #[context_var]
/// static TENANT: u32;
///
/// # fn main() {
/// TENANT.set(1);
/// let seen = rayon::join_context(|_| TENANT.get(), |_| TENANT.get());
/// assert_eq!(seen, (1, 1));
/// # }
/// ```
pub fn join_context<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
where
    A: FnOnce(FnContext) -> RA + Send,
    B: FnOnce(FnContext) -> RB + Send,
    RA: Send,
    RB: Send,
{
    let (a, b) = (inheriting_fn(a), inheriting_fn(b));
    waiting(|| ::rayon::join_context(a, b))
}

/// Starts a job that inherits the context, as [`rayon::spawn`](::rayon::spawn) starts one that does not.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, rayon};
/// #[context_var]
/// static TENANT: u32;
///
/// # fn main() {
/// TENANT.set(1);
/// let (sender, receiver) = std::sync::mpsc::channel();
/// rayon::spawn(move || sender.send(TENANT.get()).unwrap());
/// assert_eq!(receiver.recv(), Ok(1));
/// # }
/// ```
pub fn spawn<F>(f: F)
where
    F: FnOnce() + Send + 'static,
{
    ::rayon::spawn(inheriting(f));
}

/// Starts a job that inherits the context, first in, first out; as [`rayon::spawn_fifo`](::rayon::spawn_fifo) starts
/// one that does not.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, rayon};
/// #[context_var]
/// static TENANT: u32;
///
/// # fn main() {
/// TENANT.set(1);
/// let (sender, receiver) = std::sync::mpsc::channel();
/// rayon::spawn_fifo(move || sender.send(TENANT.get()).unwrap());
/// assert_eq!(receiver.recv(), Ok(1));
/// # }
/// ```
pub fn spawn_fifo<F>(f: F)
where
    F: FnOnce() + Send + 'static,
{
    ::rayon::spawn_fifo(inheriting(f));
}

/// Calls `f` on every thread of the pool, each time in a copy of the current context, and returns the results.
///
/// As [`rayon::broadcast`](::rayon::broadcast).
///
/// # Panics
/// If `f` does.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, rayon};
/// #[context_var]
/// static TENANT: u32;
///
/// # fn main() {
/// TENANT.set(1);
/// let seen = rayon::broadcast(|thread| (thread.index(), TENANT.get()));
/// assert!(seen.len() == rayon::current_num_threads());
/// assert!(seen.into_iter().enumerate().all(|(n, seen)| seen == (n, 1)));
/// # }
/// ```
pub fn broadcast<F, R>(f: F) -> Vec<R>
where
    F: Fn(BroadcastContext<'_>) -> R + Sync,
    R: Send,
{
    let context = TaskContext::new(inherit_context());
    waiting(|| ::rayon::broadcast(|thread| context.clone().run(|| f(thread))))
}

/// Starts a job on every thread of the pool, each in a copy of the current context; as
/// [`rayon::spawn_broadcast`](::rayon::spawn_broadcast) starts some that are not.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, rayon};
/// #[context_var]
/// static TENANT: u32;
///
/// # fn main() {
/// TENANT.set(1);
/// let (sender, receiver) = std::sync::mpsc::channel();
/// rayon::spawn_broadcast(move |_| sender.send(TENANT.get()).unwrap());
/// // The channel closes when the last thread is done.
/// let seen: Vec<_> = receiver.iter().collect();
/// assert_eq!(seen, vec![1; rayon::current_num_threads()]);
/// # }
/// ```
pub fn spawn_broadcast<F>(f: F)
where
    F: Fn(BroadcastContext<'_>) + Send + Sync + 'static,
{
    ::rayon::spawn_broadcast(broadcasting(f));
}

/// Runs another job of this thread's pool, if there is one, as [`rayon::yield_now`](::rayon::yield_now) does. That job
/// does not see the current context.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, rayon};
/// #[context_var]
/// static TENANT: u32;
///
/// # fn main() {
/// let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
/// let (sender, receiver) = std::sync::mpsc::channel();
/// let found = pool.install(|| {
///     TENANT.set(1);
///     // Started past this crate, it must not see whoever happens to run it.
///     ::rayon::spawn(move || sender.send(TENANT.is_set()).unwrap());
///     rayon::yield_now()
/// });
/// assert_eq!((found, receiver.recv()), (Some(rayon::Yield::Executed), Ok(false)));
/// # }
/// ```
#[must_use = "tells whether a job was run, and `None` outside of a pool"]
pub fn yield_now() -> Option<Yield> {
    waiting(::rayon::yield_now)
}

/// Runs another job of this thread, if there is one, as [`rayon::yield_local`](::rayon::yield_local) does. That job
/// does not see the current context.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, rayon};
/// #[context_var]
/// static TENANT: u32;
///
/// # fn main() {
/// let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
/// let (sender, receiver) = std::sync::mpsc::channel();
/// let found = pool.install(|| {
///     TENANT.set(1);
///     // Started past this crate, it must not see whoever happens to run it.
///     ::rayon::spawn(move || sender.send(TENANT.is_set()).unwrap());
///     rayon::yield_local()
/// });
/// assert_eq!((found, receiver.recv()), (Some(rayon::Yield::Executed), Ok(false)));
/// # }
/// ```
#[must_use = "tells whether a job was run, and `None` outside of a pool"]
pub fn yield_local() -> Option<Yield> {
    waiting(::rayon::yield_local)
}

/// Runs `wait`, which may run anybody's jobs, in an empty context.
pub(super) fn waiting<R>(wait: impl FnOnce() -> R) -> R {
    TaskContext::default().run(wait)
}

/// As [`inheriting`], for a function of one argument.
fn inheriting_fn<A, R>(f: impl FnOnce(A) -> R) -> impl FnOnce(A) -> R {
    let job = f.in_context(inherit_context());
    move |argument| {
        let (f, mut context) = job.into_work();
        context.run(|| f(argument))
    }
}

/// `f`, to be called in copies of the current context.
pub(super) fn broadcasting<F>(f: F) -> impl Fn(BroadcastContext<'_>) + Send + Sync
where
    F: Fn(BroadcastContext<'_>) + Send + Sync,
{
    let context = TaskContext::new(inherit_context());
    move |thread| context.clone().run(|| f(thread))
}
