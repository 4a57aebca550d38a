//! [`InContext`]: something that is polled in a context of its own.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use pin_project_lite::pin_project;

use crate::context::{Context, copy_context};

/// Gives a future a context.
///
/// # Examples
///
/// ```
/// use contextvars::{Context, ContextExt, context_var};
///
/// #[context_var(default = 0)]
/// static REQUEST_ID: u64;
///
/// async fn handle() -> u64 {
///     REQUEST_ID.get()
/// }
///
/// # fn main() {
/// # fn block_on<F: Future>(future: F) -> F::Output { pollster::block_on(future) }
/// let ctx = Context::new().with(&REQUEST_ID, 7);
/// assert_eq!(block_on(handle().in_context(ctx)), 7);
/// assert_eq!(block_on(handle()), 0);
/// # }
/// ```
pub trait ContextExt: Sized {
    /// Runs `self` in `context`: it is entered for every poll, and for the drop.
    fn in_context(self, context: Context) -> InContext<Self> {
        InContext::new(self, context)
    }

    /// Runs `self` in a copy of the current context, taken now.
    ///
    /// What `self` sets is then its own: two branches of a `join!`, which otherwise share the context of their task,
    /// do not see each other's values.
    fn in_current_context(self) -> InContext<Self> {
        self.in_context(copy_context())
    }
}

impl<T> ContextExt for T {}

pin_project! {
    /// A future, or something else that is polled, in a context of its own; [`ContextExt`] makes it.
    ///
    /// The context is current during every poll and while the inner future is dropped. What the future sets stays in
    /// the context from one poll to the next. A panic in a poll leaves the caller's context as it was. Costs a few
    /// nanoseconds a poll, however many variables there are, and the size of two pointers.
    ///
    /// `Send` if the inner future is. Works under any executor.
    #[must_use = "futures do nothing unless they are awaited or polled"]
    pub struct InContext<T> {
        // `Some` until `into_parts` takes it or `drop` is done with it.
        #[pin]
        inner: Option<T>,
        context: Context,
    }

    impl<T> PinnedDrop for InContext<T> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let entered = this.context.enter();
            this.inner.set(None);
            drop(entered);
        }
    }
}

impl<T> InContext<T> {
    pub(crate) fn new(inner: T, context: Context) -> Self {
        Self { inner: Some(inner), context }
    }

    /// The context, as the last poll left it.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The context, to look at or to change.
    #[must_use]
    pub fn context_mut(self: Pin<&mut Self>) -> &mut Context {
        self.project().context
    }

    /// Takes the future and its context apart again.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, ContextExt, context_var};
    /// #[context_var]
    /// static STEP: u32;
    ///
    /// # fn main() {
    /// # fn block_on<F: Future>(future: F) -> F::Output { pollster::block_on(future) }
    /// let mut work = Box::pin(async { STEP.set(1); }).in_context(Context::new());
    /// block_on(&mut work);
    /// let (_, ctx) = work.into_parts();
    /// assert_eq!(ctx[&STEP], 1);
    /// # }
    /// ```
    #[must_use]
    pub fn into_parts(mut self) -> (T, Context) {
        let context = std::mem::take(&mut self.context);
        match self.inner.take() {
            Some(inner) => (inner, context),
            None => unreachable!("the inner future is there until `self` is used up"),
        }
    }

    /// Enters the context and calls `f` with the inner future: what every trait of `InContext` goes through.
    #[inline]
    pub(crate) fn enter<R>(self: Pin<&mut Self>, f: impl FnOnce(Pin<&mut T>) -> R) -> R {
        let this = self.project();
        let entered = this.context.enter();
        let result = match this.inner.as_pin_mut() {
            Some(inner) => f(inner),
            None => unreachable!("the inner future is there until `self` is used up"),
        };
        drop(entered);
        result
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        self.enter(|inner| inner.poll(cx))
    }
}

impl<T> fmt::Debug for InContext<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InContext").field("context", &self.context).finish_non_exhaustive()
    }
}
