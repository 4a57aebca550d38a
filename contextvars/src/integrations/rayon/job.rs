//! Single jobs: [`join`], [`spawn`], [`broadcast`] and similar functions.

use ::rayon::{BroadcastContext, FnContext, Yield};

use crate::context::{Context, inherit_context};
use crate::task::ContextExt;

/// Runs two closures, in parallel if a thread is free, each in a copy of the current context.
///
/// As [`rayon::join`](::rayon::join). The context is copied twice: two reference counts.
///
/// # Panics
/// If one of the closures panics. The caller's context is unchanged then.
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
    let (a, b) = (inherit_context().wrap_once(a), inherit_context().wrap_once(b));
    waiting(|| ::rayon::join(a, b))
}

/// Like [`join`], for closures that are told whether they were stolen; see
/// [`rayon::join_context`](::rayon::join_context), where "context" has another meaning.
///
/// # Panics
/// If one of the closures panics.
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
/// A panic of the job ends the process, unless the pool has a
/// [`panic_handler`](super::ThreadPoolBuilder::panic_handler).
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
///
/// # Python
/// `executor.submit(copy_context().run, f)`; a plain `executor.submit(f)` does not propagate the context.
pub fn spawn<F>(f: F)
where
    F: FnOnce() + Send + 'static,
{
    ::rayon::spawn(inherit_context().wrap_once(f));
}

/// Starts a job that inherits the context, first in, first out; as [`rayon::spawn_fifo`](::rayon::spawn_fifo) starts
/// one that does not.
///
/// A panic of the job ends the process, unless the pool has a
/// [`panic_handler`](super::ThreadPoolBuilder::panic_handler).
///
/// # Examples
///
/// A job has the values at the time of its spawn, whenever it runs.
///
/// ```
/// # use contextvars::{context_var, rayon, with_context};
/// #[context_var]
/// static REQUEST_ID: u64;
///
/// # fn main() {
/// let (sender, receiver) = std::sync::mpsc::channel();
/// for id in 1..=3 {
///     let sender = sender.clone();
///     with_context!(REQUEST_ID = id, { rayon::spawn_fifo(move || sender.send(REQUEST_ID.get()).unwrap()) });
/// }
/// drop(sender);
/// let mut seen: Vec<_> = receiver.iter().collect();
/// seen.sort_unstable();
/// assert_eq!(seen, [1, 2, 3]);
/// # }
/// ```
pub fn spawn_fifo<F>(f: F)
where
    F: FnOnce() + Send + 'static,
{
    ::rayon::spawn_fifo(inherit_context().wrap_once(f));
}

/// Calls `f` on every thread of the pool, each time in a copy of the current context, and returns the results.
///
/// As [`rayon::broadcast`](::rayon::broadcast). The context is copied once for each thread: a reference count.
///
/// # Panics
/// If `f` panics.
///
/// # Examples
///
/// A value that `f` sets on one thread is not visible on another.
///
/// ```
/// # use contextvars::{context_var, rayon};
/// #[context_var]
/// static TENANT: u32;
///
/// # fn main() {
/// TENANT.set(1);
/// let seen = rayon::broadcast(|_| TENANT.set(TENANT.get() + 1).old_value().copied());
/// assert_eq!(seen, vec![Some(1); rayon::current_num_threads()]);
/// assert_eq!(TENANT.get(), 1);
/// # }
/// ```
pub fn broadcast<F, R>(f: F) -> Vec<R>
where
    F: Fn(BroadcastContext<'_>) -> R + Sync,
    R: Send,
{
    let context = inherit_context();
    waiting(|| ::rayon::broadcast(|thread| context.run_copy(|| f(thread))))
}

/// Starts a job on every thread of the pool, each in a copy of the current context; as
/// [`rayon::spawn_broadcast`](::rayon::spawn_broadcast) starts some that are not.
///
/// A panic of a job ends the process, unless the pool has a
/// [`panic_handler`](super::ThreadPoolBuilder::panic_handler).
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, rayon, with_context};
/// #[context_var]
/// static TENANT: u32;
///
/// # fn main() {
/// let (sender, receiver) = std::sync::mpsc::channel();
/// with_context!(TENANT = 1, { rayon::spawn_broadcast(move |_| sender.send(TENANT.get()).unwrap()) });
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
/// # use contextvars::{context_var, rayon, with_context};
/// #[context_var(default = 0)]
/// static REQUEST_ID: u64;
///
/// # fn main() -> Result<(), rayon::ThreadPoolBuildError> {
/// let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
/// pool.install(|| {
///     let (sender, receiver) = std::sync::mpsc::channel();
///     ::rayon::spawn(move || sender.send(REQUEST_ID.get()).unwrap()); // as another crate would, for any request
///     let ran = with_context!(REQUEST_ID = 7, { rayon::yield_now() });
///     assert_eq!(ran, Some(rayon::Yield::Executed));
///     assert_eq!(receiver.recv(), Ok(0));
/// });
/// # Ok(())
/// # }
/// ```
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
/// #[context_var(default = 0)]
/// static REQUEST_ID: u64;
///
/// # fn main() -> Result<(), rayon::ThreadPoolBuildError> {
/// let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
/// pool.install(|| {
///     let (sender, receiver) = std::sync::mpsc::channel();
///     REQUEST_ID.set(7);
///     rayon::spawn(move || sender.send(REQUEST_ID.get()).unwrap()); // in a context of its own
///     REQUEST_ID.set(8);
///     assert_eq!(rayon::yield_local(), Some(rayon::Yield::Executed));
///     assert_eq!((receiver.recv(), REQUEST_ID.get()), (Ok(7), 8));
/// });
/// assert_eq!(rayon::yield_local(), None);
/// # Ok(())
/// # }
/// ```
pub fn yield_local() -> Option<Yield> {
    waiting(::rayon::yield_local)
}

/// Runs `wait`, which may run unrelated jobs, in an empty context.
pub(super) fn waiting<R>(wait: impl FnOnce() -> R) -> R {
    Context::default().run(wait)
}

/// As [`inheriting`], for a function of one argument.
fn inheriting_fn<A, R>(f: impl FnOnce(A) -> R) -> impl FnOnce(A) -> R {
    let job = f.in_context(inherit_context());
    move |argument| {
        let (f, mut context) = job.into_parts();
        context.run(|| f(argument))
    }
}

/// Returns `f`, to be called in copies of the current context.
pub(super) fn broadcasting<F>(f: F) -> impl Fn(BroadcastContext<'_>) + Send + Sync
where
    F: Fn(BroadcastContext<'_>) + Send + Sync,
{
    let context = inherit_context();
    move |thread| context.run_copy(|| f(thread))
}
