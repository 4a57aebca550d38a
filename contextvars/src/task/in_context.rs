//! [`InContext`]: a future, stream or sink that is polled in a context of its own.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{self, Poll};

use pin_project_lite::pin_project;

use super::inheriting::inheriting;
use crate::context::{Context, copy_context};

/// Gives a future, or anything else that is polled, a context.
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
#[doc(alias("FutureExt", "with_context"))]
pub trait ContextExt: Sized {
    /// Runs `self` in `context`, which is entered for every poll and for the drop.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, ContextExt, context_var};
    /// #[context_var]
    /// static USER: &'static str;
    ///
    /// # fn main() {
    /// # fn block_on<F: Future>(future: F) -> F::Output { pollster::block_on(future) }
    /// let greeting = async { format!("hello, {}", USER.get()) };
    /// assert_eq!(block_on(greeting.in_context(Context::new().with(&USER, "ada"))), "hello, ada");
    /// # }
    /// ```
    ///
    /// # Python
    /// `loop.create_task(coro, context=ctx)`, but without a task of its own.
    #[doc(alias("attach", "instrument"))]
    fn in_context(self, context: Context) -> InContext<Self> {
        InContext::new(self, context)
    }

    /// Runs `self` in a copy of the current context, taken now.
    ///
    /// The values that `self` sets are then visible to itself only. Without this, futures that one task polls in turn
    /// share the task's context, so that a caller sees the values that its callee has set; if futures must not share,
    /// give each a copy. The copy ends with the future: when the future completes, both are dropped, even if the
    /// wrapper is kept.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{ContextExt, context_var};
    /// #[context_var(default = 0)]
    /// static ATTEMPT: u32;
    ///
    /// async fn fetch(attempt: u32) -> u32 {
    ///     ATTEMPT.set(attempt);
    ///     tokio::task::yield_now().await;
    ///     ATTEMPT.get()
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let shared = tokio::join!(fetch(1), fetch(2));
    /// assert_eq!(shared, (2, 2));
    /// let apart = tokio::join!(fetch(1).in_current_context(), fetch(2).in_current_context());
    /// assert_eq!(apart, (1, 2));
    /// # }
    /// ```
    ///
    /// # Python
    /// `asyncio.gather` makes each of its coroutines a task, with a copy of its own; `join!` does not.
    fn in_current_context(self) -> InContext<Self> {
        InContext::with_own(self, copy_context())
    }

    /// Runs `self` in the context that a child of the current work inherits, taken now, as a spawn that inherits does.
    ///
    /// That is a copy of the current context without the variables that are declared with `inherit = false`, as
    /// [`inherit_context`](crate::inherit_context) returns it. A future that was given a context already inherits
    /// nothing: it would not see the values, and would only keep them alive.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, ContextExt, context_var};
    /// #[context_var]
    /// static TENANT: u32;
    /// #[context_var(inherit = false)]
    /// static TRANSACTION: u32;
    ///
    /// /// An executor in miniature: runs a task on a thread of its own.
    /// fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> std::thread::JoinHandle<T> {
    ///     let task = task.in_inherited_context(); // here, where it is spawned
    ///     std::thread::spawn(|| pollster::block_on(task))
    /// }
    ///
    /// # fn main() {
    /// TENANT.set(1);
    /// TRANSACTION.set(2);
    /// let task = spawn(async { (TENANT.try_get().ok(), TRANSACTION.try_get().ok()) });
    /// assert_eq!(task.join().unwrap(), (Some(1), None));
    ///
    /// // A future that was given a context does not inherit.
    /// let detached = async { TENANT.is_set() }.in_context(Context::new()).in_inherited_context();
    /// assert!(detached.context().is_empty());
    /// # }
    /// ```
    ///
    /// # Python
    /// `asyncio.create_task(coro)`, which copies every variable.
    fn in_inherited_context(self) -> InContext<Self> {
        inheriting(self)
    }
}

impl<T> ContextExt for T {}

pin_project! {
    /// A future, or something else that is polled, in a context of its own; the methods of [`ContextExt`] return it.
    ///
    /// The context is current during every poll and while the inner future is dropped, and is then freed in an empty
    /// one. The values that the future sets stay in the context from one poll to the next. A panic in a poll leaves the
    /// caller's context unchanged. Costs a few nanoseconds per poll, however many variables there are, and up to four
    /// words of memory beside the future.
    ///
    /// A context that was given with [`in_context`](ContextExt::in_context) stays until the wrapper is dropped;
    /// [`into_parts`](Self::into_parts) returns it, also after the last poll. One that was made for the future, by
    /// [`in_current_context`](ContextExt::in_current_context) or [`with_context!`](crate::with_context), ends with it:
    /// when the future completes, it is dropped in its context, which is then empty. So a completed future that is kept
    /// keeps no values alive. Polling it again panics.
    ///
    /// The wrapped type need not be a future: with the feature `futures`, this is also a `Stream`, a `Sink`, an
    /// `AsyncRead`, `AsyncWrite`, `AsyncBufRead` or `AsyncSeek`, a `FusedFuture` or `FusedStream`, and with the feature
    /// `tokio` one of tokio's `AsyncRead`, `AsyncWrite`, `AsyncBufRead` or `AsyncSeek`, if the wrapped type is one.
    /// Every method enters the context. Those that take `&self`, such as `size_hint`, enter a copy.
    ///
    /// `Send` if the inner future is. Works under any executor.
    ///
    /// # Examples
    ///
    /// The context outlives each poll, and is current when the future is dropped before it completes.
    ///
    /// ```
    /// # use std::task::Waker;
    /// # use contextvars::{Context, ContextExt, context_var};
    /// #[context_var(default = 0)]
    /// static REQUEST_ID: u64;
    ///
    /// struct Connection;
    ///
    /// impl Drop for Connection {
    ///     fn drop(&mut self) {
    ///         assert_eq!(REQUEST_ID.get(), 7);
    ///     }
    /// }
    ///
    /// async fn handle() {
    ///     REQUEST_ID.set(7);
    ///     let _connection = Connection;
    ///     std::future::pending().await
    /// }
    ///
    /// # fn main() {
    /// let mut request = Box::pin(handle().in_context(Context::new()));
    /// assert!(request.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop())).is_pending());
    /// assert_eq!((request.context()[&REQUEST_ID], REQUEST_ID.get()), (7, 0));
    /// drop(request); // and with it, in its context, the connection
    /// # }
    /// ```
    #[must_use = "futures do nothing unless they are awaited or polled"]
    pub struct InContext<T> {
        // `Some` until `into_parts` takes it, until it completes and `ends_with_it`, or until `drop` has dropped it.
        #[pin]
        inner: Option<T>,
        context: Context,
        // Whether the context ends when the future completes, because only the future uses it.
        ends_with_it: bool,
    }

    impl<T> PinnedDrop for InContext<T> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let entered = this.context.enter();
            this.inner.set(None);
            entered.leave();
        }
    }
}

impl<T> InContext<T> {
    /// With a context that `into_parts` can return later.
    pub(crate) fn new(inner: T, context: Context) -> Self {
        Self { inner: Some(inner), context, ends_with_it: false }
    }

    /// With a context that was made for the future and ends with it.
    pub(crate) fn with_own(inner: T, context: Context) -> Self {
        Self { inner: Some(inner), context, ends_with_it: true }
    }

    /// Returns the context, as the last poll left it.
    ///
    /// It is empty after the future has completed, unless it was given with [`in_context`](ContextExt::in_context).
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Returns the context, for reading or changing it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::pin::pin;
    /// # use contextvars::{Context, ContextExt, context_var};
    /// #[context_var(default = 0)]
    /// static ATTEMPT: u32;
    ///
    /// # fn main() {
    /// # fn block_on<F: Future>(future: F) -> F::Output { pollster::block_on(future) }
    /// let mut work = pin!(async { ATTEMPT.get() }.in_context(Context::new()));
    /// let retry = work.context().clone().with(&ATTEMPT, 2);
    /// *work.as_mut().context_mut() = retry;
    /// assert_eq!(block_on(work), 2);
    /// # }
    /// ```
    #[must_use]
    pub fn context_mut(self: Pin<&mut Self>) -> &mut Context {
        self.project().context
    }

    /// Returns the future and its context.
    ///
    /// # Panics
    /// If the future has completed and its context ended with it, which is the case for [`in_current_context`] and
    /// `with_context!`.
    ///
    /// [`in_current_context`]: ContextExt::in_current_context
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
    #[track_caller]
    pub fn into_parts(mut self) -> (T, Context) {
        let context = mem::take(&mut self.context);
        (not_used_up(self.inner.take()), context)
    }

    /// Enters the context and calls `f` with the wrapped value: every trait of `InContext` is implemented by this.
    #[inline]
    pub(crate) fn call_inside<'a, R>(self: Pin<&'a mut Self>, f: impl FnOnce(Pin<&'a mut T>) -> R) -> R {
        let this = self.project();
        let entered = this.context.enter();
        let result = f(not_used_up(this.inner.as_pin_mut()));
        entered.leave();
        result
    }

    /// Drops the wrapped value in its context, and frees the context.
    ///
    /// Not inlined into `poll`, so that frequent polls do not pay for code that runs once.
    #[cold]
    fn end(self: Pin<&mut Self>) {
        let mut this = self.project();
        let entered = this.context.enter();
        this.inner.set(None);
        entered.leave();
        drop(mem::take(this.context));
    }

    /// Whether the wrapped value has completed and was dropped.
    #[cfg(feature = "futures")]
    pub(crate) fn has_ended(&self) -> bool {
        self.inner.is_none()
    }

    /// Calls `f` with the wrapped value, in a copy of the context: for methods that take `&self`, and for functions.
    pub(crate) fn call_inside_copy<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        let inner = not_used_up(self.inner.as_ref());
        self.context.run_copy(|| f(inner))
    }
}

/// The value inside an [`InContext`], which is there until it is used up.
#[inline]
#[track_caller]
fn not_used_up<T>(inner: Option<T>) -> T {
    match inner {
        Some(inner) => inner,
        None => used_up(),
    }
}

#[cold]
#[track_caller]
fn used_up() -> ! {
    panic!("this future has completed and was dropped with its context: it cannot be polled again or taken apart")
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let polled = self.as_mut().call_inside(|inner| inner.poll(cx));
        if polled.is_ready() && self.ends_with_it {
            self.end();
        }
        polled
    }
}

impl<T> fmt::Debug for InContext<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InContext").field("context", &self.context).finish_non_exhaustive()
    }
}
