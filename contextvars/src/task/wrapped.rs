//! Functions with a context, to be called later or on another thread.

use crate::context::Context;
use crate::task::ContextExt;

impl Context {
    /// Returns a function that calls `f` in this context: a job for a thread pool, a `FnOnce` callback.
    ///
    /// A future that `f` returns runs outside of the context; return `future.in_context(..)`.
    ///
    /// The context ends with the call. If the function is dropped before it was called, `f` is dropped in the context,
    /// too. For a function with arguments, give it a context with [`run_copy`](Self::run_copy).
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{context_var, inherit_context};
    /// #[context_var(default = 0)]
    /// static REQUEST_ID: u64;
    ///
    /// # fn main() {
    /// REQUEST_ID.set(7);
    /// let rows = vec![1, 2, 3];
    /// // The job of any thread pool; here, of a new thread.
    /// let job = inherit_context().wrap_once(move || (REQUEST_ID.get(), rows.into_iter().sum::<u64>()));
    /// assert_eq!(std::thread::spawn(job).join().unwrap(), (7, 6));
    /// # }
    /// ```
    ///
    /// # Python
    /// `functools.partial(ctx.run, f)`.
    pub fn wrap_once<R>(self, f: impl FnOnce() -> R) -> impl FnOnce() -> R {
        let work = f.in_context(self);
        move || {
            let (f, mut context) = work.into_parts();
            context.run(f)
        }
    }

    /// Returns a function that calls `f` in a copy of this context; each call in a copy of its own.
    ///
    /// A future that `f` returns runs outside of the context; return `future.in_context(..)`.
    ///
    /// For a function with arguments see [`wrap_fn`](Self::wrap_fn) and [`run_copy`](Self::run_copy). A call costs a
    /// copy, which is one reference count, and what [`run`](Self::run) does; what `f` sets is freed when it ends.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{context_var, copy_context};
    /// #[context_var(default = 0)]
    /// static COUNT: u32;
    ///
    /// # fn main() {
    /// COUNT.set(10);
    /// let next = copy_context().wrap(|| {
    ///     COUNT.set(COUNT.get() + 1);
    ///     COUNT.get()
    /// });
    /// assert_eq!((next(), next()), (11, 11));
    /// assert_eq!(std::thread::spawn(next).join().unwrap(), 11);
    /// # }
    /// ```
    ///
    /// # Python
    /// `functools.partial(ctx.run, f)`, but that runs all calls in `ctx` itself.
    pub fn wrap<R>(self, f: impl Fn() -> R) -> impl Fn() -> R {
        let work = f.in_context(self);
        move || work.call_inside_copy(|f| f())
    }

    /// Returns a function of one argument that calls `f` in a copy of this context; each call in a copy of its own.
    /// Costs what [`wrap`](Self::wrap) does.
    ///
    /// A future that `f` returns runs outside of the context; return `future.in_context(..)`.
    ///
    /// The argument is passed by value. For references, several arguments, or a `FnMut`, write the closure and call
    /// [`run_copy`](Self::run_copy) in it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, context_var};
    /// #[context_var(default = 1)]
    /// static FACTOR: u32;
    ///
    /// # fn main() {
    /// let scale = Context::new().with(&FACTOR, 3).wrap_fn(|n: u32| n * FACTOR.get());
    /// assert_eq!([1, 2].map(scale), [3, 6]);
    /// # }
    /// ```
    ///
    /// # Python
    /// `functools.partial(ctx.run, f)`, but that runs all calls in `ctx` itself.
    pub fn wrap_fn<A, R>(self, f: impl Fn(A) -> R) -> impl Fn(A) -> R {
        let work = f.in_context(self);
        move |argument| work.call_inside_copy(|f| f(argument))
    }
}
