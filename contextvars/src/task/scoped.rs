//! [`ScopedFuture`]: a future with its own value of one variable, which shares all others with the task that polls it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use pin_project_lite::pin_project;

use crate::context::Context;
use crate::state::{self, ContextVar, ValueOf};

impl<T: Send + Sync + 'static> ContextVar<T> {
    /// Returns a future that runs `future` with a value of this variable, and shares all other variables with the task
    /// that polls it: values that it sets of those stay set. The signature is that of tokio's `LocalKey::scope`.
    ///
    /// [`with_context!`](crate::with_context), in contrast, gives a future a context of its own, so that all values
    /// that it sets end with it. If variables cannot be set in the current context (see [`set`](Self::set)), they
    /// cannot be set in the future either; the bound value is visible all the same.
    ///
    /// A poll costs what a [`set`](Self::set) and a [`reset`](Self::reset) do, less the allocation.
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::context_var;
    ///
    /// #[context_var]
    /// static NUMBER: u32;
    /// #[context_var(default = 0)]
    /// static CALLS: u32;
    ///
    /// async fn work() -> u32 {
    ///     CALLS.set(CALLS.get() + 1);
    ///     NUMBER.get()
    /// }
    ///
    /// # fn main() {
    /// # pollster::block_on(async {
    /// assert_eq!(NUMBER.scope(1, work()).await, 1);
    /// assert_eq!(NUMBER.scope(2, async { NUMBER.scope(3, work()).await + NUMBER.get() }).await, 5);
    /// assert!(!NUMBER.is_set());
    /// assert_eq!(CALLS.get(), 2);
    /// # });
    /// # }
    /// ```
    pub fn scope<F: Future>(&'static self, value: T, future: F) -> ScopedFuture<T, F> {
        ScopedFuture { inner: Some(future), binding: Binding::new(self, value) }
    }

    /// Calls `f` with a value of this variable. Values that `f` sets of other variables stay set. The signature is that
    /// of tokio's `LocalKey::sync_scope`.
    ///
    /// A future that `f` returns runs outside, without the value; see [`scope`](Self::scope). A token or guard of a set
    /// in `f` belongs to the outer context: do not use it after `f`, since it would restore a value of this scope
    /// there.
    ///
    /// Costs what a [`set`](Self::set) and a [`reset`](Self::reset) do.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::context_var;
    /// #[context_var]
    /// static NUMBER: u32;
    /// #[context_var(default = 0)]
    /// static CALLS: u32;
    ///
    /// # fn main() {
    /// let number = NUMBER.sync_scope(1, || {
    ///     CALLS.set(1);
    ///     NUMBER.get()
    /// });
    /// assert_eq!((number, CALLS.get(), NUMBER.is_set()), (1, 1, false));
    /// # }
    /// ```
    ///
    /// # Python
    /// `with var.set(value):` of Python 3.14.
    pub fn sync_scope<F, R>(&'static self, value: T, f: F) -> R
    where
        F: FnOnce() -> R,
    {
        Binding::new(self, value).call(f)
    }
}

/// A variable and the value that it has during a call.
struct Binding<T: 'static> {
    var: &'static ContextVar<T>,
    /// The value between calls, or `None` if the last call has unset the variable.
    value: Option<ValueOf<T>>,
    /// The context of the calls if the current one refuses sets. It refuses them, too, but for this variable.
    own: Context,
}

impl<T: Send + Sync + 'static> Binding<T> {
    fn new(var: &'static ContextVar<T>, value: T) -> Self {
        Self { var, value: Some(state::value_of(var, value)), own: Context::refusing() }
    }

    /// Calls `f` with the value, and keeps the value that the variable has afterwards.
    fn call<R>(&mut self, f: impl FnOnce() -> R) -> R {
        let Self { var, value, own } = self;
        if state::refuses_sets() { own.run(|| bound(var, value, f)) } else { bound(var, value, f) }
    }
}

impl<T> Binding<T> {
    /// Drops the value, in whichever of the two places it is.
    fn end(&mut self) {
        if let Some(value) = self.value.take() {
            value.drop_apart();
        }
    }
}

impl<T> Drop for Binding<T> {
    fn drop(&mut self) {
        self.end();
    }
}

fn bound<T: Send + Sync + 'static, R>(
    var: &'static ContextVar<T>,
    value: &mut Option<ValueOf<T>>,
    f: impl FnOnce() -> R,
) -> R {
    let outer = state::replace(var, value.take());
    // Also when `f` panics.
    let _back = scopeguard::guard(outer, |outer| *value = state::replace(var, outer));
    f()
}

pin_project! {
    /// A future with its own value of one variable; [`ContextVar::scope`] returns it.
    ///
    /// The inner future is polled and dropped with the value, and both are dropped as soon as it completes. Polling it
    /// again panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{ScopedFuture, context_var};
    /// #[context_var]
    /// static NUMBER: u32;
    ///
    /// # fn main() {
    /// let future: ScopedFuture<u32, _> = NUMBER.scope(1, async { NUMBER.get() });
    /// assert_eq!(pollster::block_on(future), 1);
    /// # }
    /// ```
    #[must_use = "futures do nothing unless they are awaited or polled"]
    pub struct ScopedFuture<T, F>
    where
        T: Send,
        T: Sync,
        T: 'static,
    {
        // `Some` until it completes, or until `drop` has dropped it.
        #[pin]
        inner: Option<F>,
        binding: Binding<T>,
    }

    impl<T, F> PinnedDrop for ScopedFuture<T, F>
    where
        T: Send,
        T: Sync,
        T: 'static,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.binding.call(|| this.inner.set(None));
        }
    }
}

impl<T: Send + Sync + 'static, F: Future> Future for ScopedFuture<T, F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            panic!("this future has completed and was dropped with its value: it cannot be polled again")
        };
        let polled = this.binding.call(|| inner.poll(cx));
        if polled.is_ready() {
            // A completed future that is kept keeps no values alive.
            this.binding.call(|| this.inner.set(None));
            this.binding.end();
        }
        polled
    }
}

/// Shows the variable.
impl<T: Send + Sync + 'static, F> fmt::Debug for ScopedFuture<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedFuture").field("var", self.binding.var).finish_non_exhaustive()
    }
}
