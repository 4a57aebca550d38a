//! [`std::thread`], with threads that inherit the context: put `use contextvars::thread;` in front of ordinary code.
//!
//! Everything of `std::thread` is here under its own name; only the items that start a thread are replaced. A thread
//! started by [`spawn`], a [`Builder`] or a [`scope`] runs in a copy of the spawner's context (without the variables
//! declared with `inherit = false`; see [`inherit_context`]). The values that the thread sets stay in its copy.
//!
//! A thread started by `std::thread` itself, in your code or in a dependency, begins in an empty context.
//!
//! # Examples
//!
//! ```
//! use contextvars::{context_var, thread, with_context};
//!
//! #[context_var(default = 0)]
//! static REQUEST_ID: u64;
//!
//! # fn main() {
//! let worker = with_context!(REQUEST_ID = 7, { thread::spawn(|| REQUEST_ID.get()) });
//! assert_eq!(worker.join().unwrap(), 7);
//! # }
//! ```
//!
//! # Python
//! `threading.Thread` from Python 3.14 on, if `sys.flags.thread_inherit_context` is set.

use std::panic::RefUnwindSafe;
use std::thread;
use std::{fmt, io};

use crate::context::inherit_context;
use crate::worker;

#[doc(no_inline)]
pub use std::thread::*;

/// Marks the current thread as a worker: a thread that runs unrelated pieces of work, one after the other.
///
/// Work on a worker that has no context of its own must not set variables: in the thread's base context, later work
/// would see them. From this call on, a `set` in the base context of this thread is refused, and a read there finds no
/// value. Work that has a context is not affected. A mark cannot be removed.
///
/// Call it in the hook that a pool calls at the start of its threads. The workers of tokio and rayon are recognised
/// without it (features `tokio`, `rayon`). Costs a write to a thread-local.
///
/// # Examples
///
/// ```
/// use contextvars::{context_var, inherit_context, thread};
///
/// #[context_var(default = 0)]
/// static REQUEST_ID: u64;
///
/// # fn main() {
/// // A pool of one thread.
/// let (submit, jobs) = std::sync::mpsc::channel::<Box<dyn FnOnce() + Send>>();
/// let pool = std::thread::spawn(move || {
///     thread::mark_as_worker();
///     jobs.into_iter().for_each(|job| job());
/// });
///
/// submit.send(Box::new(|| assert!(REQUEST_ID.try_set(1).is_err()))).unwrap();
/// // A job with a context may set, and sees its own request.
/// REQUEST_ID.set(7);
/// submit.send(Box::new(inherit_context().wrap_once(|| assert_eq!(REQUEST_ID.set(8).old_value(), Some(&7))))).unwrap();
/// submit.send(Box::new(|| assert_eq!(REQUEST_ID.get(), 0))).unwrap();
/// # drop(submit);
/// # pool.join().unwrap();
/// # }
/// ```
pub fn mark_as_worker() {
    worker::mark();
}

/// Starts a thread that inherits the context, as [`std::thread::spawn`] starts one that does not.
///
/// Costs one reference count more than that, and a few nanoseconds to enter the context.
///
/// # Panics
/// If the operating system cannot start a thread; [`Builder::spawn`] returns an error instead.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, thread};
/// #[context_var]
/// static TENANT: u32;
///
/// # fn main() {
/// TENANT.set(1);
/// let child = thread::spawn(|| TENANT.set(TENANT.get() + 1).old_value().copied());
/// assert_eq!(child.join().unwrap(), Some(1));
/// assert_eq!(TENANT.get(), 1);
/// # }
/// ```
///
/// # Python
/// `threading.Thread(target=f, context=copy_context())` (3.14), which copies every variable. Before 3.14, and by
/// default in ordinary builds since, a thread begins in an empty context.
#[track_caller]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    thread::spawn(inherit_context().wrap_once(f))
}

/// A [`std::thread::Builder`] whose thread inherits the context of the caller of [`spawn`](Self::spawn).
///
/// It has all stable methods of the original but `spawn_unchecked`, which is unsafe.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, thread};
/// #[context_var]
/// static TENANT: u32;
///
/// # fn main() -> std::io::Result<()> {
/// TENANT.set(1);
/// let child = thread::Builder::new().name("worker".into()).stack_size(1 << 20).spawn(|| TENANT.get())?;
/// assert_eq!(child.thread().name(), Some("worker"));
/// assert_eq!(child.join().unwrap(), 1);
///
/// let seen = thread::scope(|s| {
///     let child = thread::Builder::new().spawn_scoped(s, || TENANT.get())?;
///     Ok::<_, std::io::Error>(child.join().unwrap())
/// })?;
/// assert_eq!(seen, 1);
/// # Ok(())
/// # }
/// ```
#[must_use = "must eventually spawn the thread"]
#[derive(Debug)]
pub struct Builder {
    inner: thread::Builder,
}

#[expect(clippy::new_without_default, reason = "the original has no `Default` either")]
impl Builder {
    /// Returns a builder of a thread without a name, with the usual stack size.
    pub fn new() -> Self {
        Self::from(thread::Builder::new())
    }

    /// Names the thread.
    pub fn name(self, name: String) -> Self {
        Self::from(self.inner.name(name))
    }

    /// Sets the size of the thread's stack, in bytes.
    pub fn stack_size(self, size: usize) -> Self {
        Self::from(self.inner.stack_size(size))
    }

    /// Returns the standard library's own builder, of the same thread.
    pub fn into_inner(self) -> thread::Builder {
        self.inner
    }

    /// Starts a thread that inherits the context.
    ///
    /// # Errors
    /// If the operating system cannot start a thread.
    ///
    /// # Panics
    /// If a name was given that contains a null byte.
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.inner.spawn(inherit_context().wrap_once(f))
    }

    /// Starts a thread that inherits the context, in a [`scope`]; it may borrow what outlives the scope.
    ///
    /// # Errors
    /// If the operating system cannot start a thread.
    ///
    /// # Panics
    /// If a name was given that contains a null byte.
    pub fn spawn_scoped<'scope, 'env, F, T>(
        self,
        scope: &'scope Scope<'scope, 'env>,
        f: F,
    ) -> io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        self.inner.spawn_scoped(scope.std(), inherit_context().wrap_once(f))
    }
}

impl From<thread::Builder> for Builder {
    fn from(inner: thread::Builder) -> Self {
        Self { inner }
    }
}

impl From<Builder> for thread::Builder {
    fn from(builder: Builder) -> Self {
        builder.inner
    }
}

/// Calls `f` with a [`Scope`] whose threads inherit the context and may borrow what outlives this call, as
/// [`std::thread::scope`] does with one whose threads inherit nothing.
///
/// `f` itself runs on this thread, in the current context. Each thread inherits the context of its spawner.
///
/// # Panics
/// If a thread panicked that was not joined.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, thread, with_context};
/// #[context_var(default = 1)]
/// static FACTOR: u32;
///
/// # fn main() {
/// let mut numbers = [1, 2, 3];
/// thread::scope(|s| {
///     for (n, number) in numbers.iter_mut().enumerate() {
///         with_context!(FACTOR = 10 * n as u32, { s.spawn(|| *number *= FACTOR.get()) });
///     }
/// });
/// assert_eq!(numbers, [0, 20, 60]);
/// # }
/// ```
///
/// # Python
/// `with ThreadPoolExecutor() as pool:` waits for its threads, too, but does not propagate the context.
#[track_caller]
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    thread::scope(|scope| f(scope))
}

/// A [`std::thread::Scope`] whose threads inherit the context of their spawner; [`scope`] passes one to its closure.
///
/// It is a `Scope` of the standard library behind a trait object; so its one method, `spawn`, is documented at
/// [`Inherit`].
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, thread};
/// #[context_var]
/// static TENANT: u32;
///
/// # fn main() {
/// TENANT.set(1);
/// let mut seen = 0;
/// thread::scope(|s: &thread::Scope| {
///     s.spawn(|| seen = TENANT.get());
/// });
/// assert_eq!(seen, 1);
/// # }
/// ```
pub type Scope<'scope, 'env> = dyn Inherit<thread::Scope<'scope, 'env>> + 'scope;

/// The trait behind [`Scope`]: something whose threads inherit the context. Implemented for [`std::thread::Scope`]
/// only.
///
/// # Examples
///
/// The compiler shows this name for [`Scope`]; code does not have to name it.
///
/// ```
/// # use contextvars::{context_var, thread};
/// #[context_var]
/// static TENANT: u32;
///
/// type LongName<'scope, 'env> = dyn thread::Inherit<std::thread::Scope<'scope, 'env>> + 'scope;
///
/// fn look_up<'scope>(s: &'scope LongName<'scope, '_>) -> thread::ScopedJoinHandle<'scope, u32> {
///     s.spawn(|| s.spawn(|| TENANT.get()).join().unwrap())
/// }
///
/// # fn main() {
/// TENANT.set(1);
/// let seen = thread::scope(|s: &thread::Scope| look_up(s).join().unwrap());
/// assert_eq!(seen, 1);
/// # }
/// ```
//
// A struct around the standard library's `&'scope Scope` would live in the stack frame of `scope`, and so not for all
// of `'scope`, which threads that spawn threads need. A reference to a trait object can be made from `&'scope Scope`
// itself. A trait object has only the auto traits that are written here: those of the original.
pub trait Inherit<Std>: fmt::Debug + Send + Sync + Unpin + RefUnwindSafe + sealed::Sealed {
    /// The original.
    #[doc(hidden)]
    fn std(&self) -> &Std;
}

impl<'scope, 'env> Inherit<thread::Scope<'scope, 'env>> for thread::Scope<'scope, 'env> {
    fn std(&self) -> &Self {
        self
    }
}

mod sealed {
    //! Keeps other types from being a `Scope`.

    pub trait Sealed {}
    impl Sealed for std::thread::Scope<'_, '_> {}
}

impl<'scope> dyn Inherit<thread::Scope<'scope, '_>> + 'scope {
    /// Starts a thread that inherits the context and may borrow what outlives the scope.
    ///
    /// # Panics
    /// If the operating system cannot start a thread; [`Builder::spawn_scoped`] returns an error instead.
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        self.std().spawn(inherit_context().wrap_once(f))
    }
}
