//! Scopes: jobs that may borrow, whose parent waits for them.

use std::fmt;

use ::rayon::BroadcastContext;

use super::job::waiting;
use crate::context::{Context, inherit_context};
use crate::state::Entered;
use crate::task::ContextExt;

/// A [`rayon::Scope`](::rayon::Scope) whose jobs inherit the context of their spawner.
///
/// It is rayon's `Scope` behind a trait object; so its methods, `spawn` and `spawn_broadcast`, are documented at
/// [`Inherit`].
///
/// # Examples
///
/// Each job sets its own depth, which is visible to the jobs that it starts and not to its siblings.
///
/// ```
/// # use std::sync::atomic::{AtomicU32, Ordering};
/// # use contextvars::{context_var, rayon};
/// #[context_var(default = 0)]
/// static DEPTH: u32;
///
/// fn walk<'scope>(scope: &rayon::Scope<'scope>, children: u32, depths: &'scope AtomicU32) {
///     depths.fetch_add(DEPTH.get(), Ordering::Relaxed);
///     for _ in 0..children {
///         scope.spawn(move |scope| {
///             DEPTH.set(DEPTH.get() + 1);
///             walk(scope, children - 1, depths);
///         });
///     }
/// }
///
/// # fn main() {
/// let depths = AtomicU32::new(0);
/// rayon::scope(|scope| walk(scope, 2, &depths));
/// assert_eq!(depths.into_inner(), 1 + 1 + 2 + 2);
/// # }
/// ```
pub type Scope<'scope> = dyn Inherit<::rayon::Scope<'scope>> + 'scope;

/// A [`rayon::ScopeFifo`](::rayon::ScopeFifo) whose jobs inherit the context of their spawner.
///
/// It is rayon's `ScopeFifo` behind a trait object; so its methods, `spawn_fifo` and `spawn_broadcast`, are documented
/// at [`Inherit`].
///
/// # Examples
///
/// ```
/// # use std::sync::atomic::{AtomicUsize, Ordering};
/// # use contextvars::{context_var, rayon, with_context};
/// #[context_var]
/// static REQUEST_ID: u64;
///
/// fn handle<'scope>(scope: &rayon::ScopeFifo<'scope>, seen: &'scope mut u64, threads: &'scope AtomicUsize) {
///     scope.spawn_fifo(|_| *seen = REQUEST_ID.get());
///     scope.spawn_broadcast(|_, _| {
///         threads.fetch_add(usize::from(REQUEST_ID.get() == 7), Ordering::Relaxed);
///     });
/// }
///
/// # fn main() {
/// let (mut seen, threads) = (0, AtomicUsize::new(0));
/// rayon::scope_fifo(|scope| with_context!(REQUEST_ID = 7, { handle(scope, &mut seen, &threads) }));
/// assert_eq!((seen, threads.into_inner()), (7, rayon::current_num_threads()));
/// # }
/// ```
pub type ScopeFifo<'scope> = dyn Inherit<::rayon::ScopeFifo<'scope>> + 'scope;

/// The trait behind [`Scope`]: something whose jobs inherit the context. Implemented only for rayon's two kinds of
/// scope.
///
/// # Examples
///
/// The compiler shows this name for [`Scope`]; code does not have to name it.
///
/// ```
/// # use contextvars::{context_var, rayon};
/// #[context_var]
/// static TENANT: u32;
///
/// type LongName<'scope> = dyn rayon::Inherit<::rayon::Scope<'scope>> + 'scope;
///
/// fn look_up<'scope>(s: &LongName<'scope>, seen: &'scope mut u32) {
///     s.spawn(|_| *seen = TENANT.get());
/// }
///
/// # fn main() {
/// TENANT.set(1);
/// let mut seen = 0;
/// rayon::scope(|s: &rayon::Scope| look_up(s, &mut seen));
/// assert_eq!(seen, 1);
/// # }
/// ```
//
// A struct around rayon's `&'a Scope<'scope>` would have one lifetime more than rayon's, which would appear in every
// signature.
pub trait Inherit<Original>: fmt::Debug + Send + Sync + sealed::Sealed {
    /// The original.
    #[doc(hidden)]
    fn original(&self) -> &Original;
}

impl<'scope> Inherit<::rayon::Scope<'scope>> for ::rayon::Scope<'scope> {
    fn original(&self) -> &Self {
        self
    }
}

impl<'scope> Inherit<::rayon::ScopeFifo<'scope>> for ::rayon::ScopeFifo<'scope> {
    fn original(&self) -> &Self {
        self
    }
}

mod sealed {
    //! Keeps other types from being a `Scope`.

    pub trait Sealed {}
    impl Sealed for ::rayon::Scope<'_> {}
    impl Sealed for ::rayon::ScopeFifo<'_> {}
}

impl<'scope> dyn Inherit<::rayon::Scope<'scope>> + 'scope {
    /// Starts a job that inherits the context and may borrow what outlives the scope.
    pub fn spawn<F>(&self, f: F)
    where
        F: FnOnce(&Scope<'scope>) + Send + 'scope,
    {
        let job = f.in_context(inherit_context());
        self.original().spawn(move |scope| {
            let (f, mut context) = job.into_parts();
            context.run(|| f(scope));
        });
    }

    /// Starts a job on every thread of the pool, each in a copy of the current context.
    pub fn spawn_broadcast<F>(&self, f: F)
    where
        F: Fn(&Scope<'scope>, BroadcastContext<'_>) + Send + Sync + 'scope,
    {
        let context = inherit_context();
        self.original().spawn_broadcast(move |scope, thread| context.run_copy(|| f(scope, thread)));
    }
}

impl<'scope> dyn Inherit<::rayon::ScopeFifo<'scope>> + 'scope {
    /// Starts a job that inherits the context and may borrow what outlives the scope, first in, first out.
    pub fn spawn_fifo<F>(&self, f: F)
    where
        F: FnOnce(&ScopeFifo<'scope>) + Send + 'scope,
    {
        let job = f.in_context(inherit_context());
        self.original().spawn_fifo(move |scope| {
            let (f, mut context) = job.into_parts();
            context.run(|| f(scope));
        });
    }

    /// Starts a job on every thread of the pool, each in a copy of the current context.
    pub fn spawn_broadcast<F>(&self, f: F)
    where
        F: Fn(&ScopeFifo<'scope>, BroadcastContext<'_>) + Send + Sync + 'scope,
    {
        let context = inherit_context();
        self.original().spawn_broadcast(move |scope, thread| context.run_copy(|| f(scope, thread)));
    }
}

/// Calls `f`, itself a job that inherits the context, with a scope, and returns when all jobs of the scope have ended.
///
/// As [`rayon::scope`](::rayon::scope).
///
/// # Panics
/// If `f` or one of the jobs panics. The caller's context is unchanged then.
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
/// let mut seen = [0; 3];
/// rayon::scope(|s| {
///     for (n, slot) in seen.iter_mut().enumerate() {
///         s.spawn(move |_| *slot = n as u32 + TENANT.get());
///     }
/// });
/// assert_eq!(seen, [1, 2, 3]);
/// # }
/// ```
pub fn scope<'scope, F, R>(f: F) -> R
where
    F: FnOnce(&Scope<'scope>) -> R + Send,
    R: Send,
{
    let body = scope_body(f);
    waiting(|| ::rayon::scope(body))
}

/// Like [`scope`], with jobs that run first in, first out; see [`rayon::scope_fifo`](::rayon::scope_fifo).
///
/// # Panics
/// If `f` or one of the jobs panics.
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
/// let mut seen = 0;
/// rayon::scope_fifo(|s| s.spawn_fifo(|_| seen = TENANT.get()));
/// assert_eq!(seen, 1);
/// # }
/// ```
pub fn scope_fifo<'scope, F, R>(f: F) -> R
where
    F: FnOnce(&ScopeFifo<'scope>) -> R + Send,
    R: Send,
{
    let body = scope_fifo_body(f);
    waiting(|| ::rayon::scope_fifo(body))
}

/// Calls `f` with a scope, on this thread and in the current context itself, and returns when all jobs of the scope
/// have ended. The jobs inherit the context.
///
/// As [`rayon::in_place_scope`](::rayon::in_place_scope).
///
/// # Panics
/// If `f` or one of the jobs panics.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, rayon};
/// #[context_var]
/// static TENANT: u32;
///
/// # fn main() {
/// rayon::in_place_scope(|s| {
///     TENANT.set(1);
///     s.spawn(|_| assert_eq!(TENANT.get(), 1));
/// });
/// assert_eq!(TENANT.get(), 1);
/// # }
/// ```
pub fn in_place_scope<'scope, F, R>(f: F) -> R
where
    F: FnOnce(&Scope<'scope>) -> R,
{
    waiting_in_place(|caller| ::rayon::in_place_scope(|inner| caller.outside(|| f(inner))))
}

/// Like [`in_place_scope`], with jobs that run first in, first out; see
/// [`rayon::in_place_scope_fifo`](::rayon::in_place_scope_fifo).
///
/// # Panics
/// If `f` or one of the jobs panics.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, rayon};
/// #[context_var]
/// static TENANT: u32;
///
/// # fn main() {
/// let (mut first, mut second) = (0, 0);
/// rayon::in_place_scope_fifo(|s| {
///     TENANT.set(1);
///     s.spawn_fifo(|_| first = TENANT.get());
///     TENANT.set(2);
///     s.spawn_fifo(|_| second = TENANT.get());
/// });
/// assert_eq!((first, second, TENANT.get()), (1, 2, 2));
/// # }
/// ```
pub fn in_place_scope_fifo<'scope, F, R>(f: F) -> R
where
    F: FnOnce(&ScopeFifo<'scope>) -> R,
{
    waiting_in_place(|caller| ::rayon::in_place_scope_fifo(|inner| caller.outside(|| f(inner))))
}

/// Returns the function that rayon calls for `f`, in a copy of the context that is current now.
pub(super) fn scope_body<'scope, F, R>(f: F) -> impl FnOnce(&::rayon::Scope<'scope>) -> R + Send
where
    F: FnOnce(&Scope<'scope>) -> R + Send,
{
    let job = f.in_context(inherit_context());
    move |inner| {
        let (f, mut context) = job.into_parts();
        context.run(|| f(inner))
    }
}

/// Returns the function that rayon calls for `f`, in a copy of the context that is current now.
pub(super) fn scope_fifo_body<'scope, F, R>(f: F) -> impl FnOnce(&::rayon::ScopeFifo<'scope>) -> R + Send
where
    F: FnOnce(&ScopeFifo<'scope>) -> R + Send,
{
    let job = f.in_context(inherit_context());
    move |inner| {
        let (f, mut context) = job.into_parts();
        context.run(|| f(inner))
    }
}

/// Calls `wait` in an empty context, with a guard that can enter the current one again.
pub(super) fn waiting_in_place<R>(wait: impl FnOnce(&mut Entered<'_>) -> R) -> R {
    let mut empty = Context::default();
    let mut entered = empty.enter();
    let result = wait(&mut entered);
    entered.leave();
    result
}
