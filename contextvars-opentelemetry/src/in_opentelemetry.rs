//! [`InOpenTelemetry`]: a future with an OpenTelemetry context that its children inherit.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use opentelemetry::Context;
use pin_project_lite::pin_project;

use crate::carried::{Carried, current};

/// Runs futures in an OpenTelemetry context that their children inherit.
///
/// # Examples
///
/// ```
/// use contextvars_opentelemetry::OpenTelemetryExt;
/// use opentelemetry::baggage::BaggageExt;
/// use opentelemetry::{Context, KeyValue};
///
/// # futures_executor::block_on(async {
/// let cx = Context::new().with_baggage([KeyValue::new("tenant", "acme")]);
/// let handler = async { Context::current().baggage().get("tenant").map(ToString::to_string) };
/// assert_eq!(handler.in_opentelemetry(cx).await.as_deref(), Some("acme"));
/// assert!(Context::current().baggage().is_empty());
/// # });
/// ```
pub trait OpenTelemetryExt: Future + Sized {
    /// Runs this future with `cx` for OpenTelemetry's current context: at each poll, and when it is dropped.
    ///
    /// At its first poll the future gets a copy of the context of variables that is current there, and what it sets
    /// stays in the copy. So it can be spawned, or put into a context: `work.in_opentelemetry(cx).in_context(ctx)`, in
    /// this order, since a context that is entered further inside hides what is outside of it, OpenTelemetry's
    /// included.
    fn in_opentelemetry(self, cx: Context) -> InOpenTelemetry<Self> {
        InOpenTelemetry { inner: Some(self), context: None, carried: Some(Carried::new(cx)) }
    }

    /// Runs this future in the context that is [`current`] now: attached on this thread, or inherited.
    ///
    /// What OpenTelemetry's `with_current_context` is to it, but for inherited contexts as well.
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::tokio;
    /// use contextvars_opentelemetry::OpenTelemetryExt;
    /// use opentelemetry::baggage::BaggageExt;
    /// use opentelemetry::{Context, KeyValue};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// async fn tenant() -> Option<String> {
    ///     Context::current().baggage().get("tenant").map(ToString::to_string)
    /// }
    ///
    /// let cx = Context::new().with_baggage([KeyValue::new("tenant", "acme")]);
    /// let request = async {
    ///     let task = tokio::spawn(tenant().in_current_opentelemetry());
    ///     assert_eq!(task.await.unwrap().as_deref(), Some("acme"));
    /// };
    /// request.in_opentelemetry(cx).await;
    /// # }
    /// ```
    fn in_current_opentelemetry(self) -> InOpenTelemetry<Self> {
        self.in_opentelemetry(current())
    }
}

impl<F: Future> OpenTelemetryExt for F {}

pin_project! {
    /// A future in an OpenTelemetry context; [`OpenTelemetryExt`] makes it.
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::context_var;
    /// use contextvars_opentelemetry::{InOpenTelemetry, OpenTelemetryExt};
    /// use opentelemetry::Context;
    ///
    /// #[context_var(default = 0)]
    /// static ATTEMPT: u32;
    ///
    /// async fn handle() -> u32 {
    ///     ATTEMPT.set(1);
    ///     ATTEMPT.get()
    /// }
    ///
    /// # fn main() {
    /// # futures_executor::block_on(async {
    /// let request: InOpenTelemetry<_> = handle().in_opentelemetry(Context::new());
    /// assert_eq!(request.await, 1);
    /// assert_eq!(ATTEMPT.get(), 0); // it was set in the copy that the future has
    /// # });
    /// # }
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct InOpenTelemetry<F> {
        // `None` when it is done, or dropped.
        #[pin]
        inner: Option<F>,
        // Of variables; there is one from the first poll on.
        context: Option<contextvars::Context>,
        // `None` when it is done: who keeps a future that is done does not keep its span open.
        carried: Option<Carried>,
    }

    impl<F> PinnedDrop for InOpenTelemetry<F> {
        fn drop(this: Pin<&mut Self>) {
            this.end();
        }
    }
}

impl<F> InOpenTelemetry<F> {
    /// Drops what is inside in both contexts, and then those.
    fn end(self: Pin<&mut Self>) {
        let mut this = self.project();
        let Some(carried) = this.carried.take() else { return };
        let mut context = this.context.take().unwrap_or_else(|| carried.in_copy_of_context());
        let _attached = carried.attach();
        context.run(|| this.inner.set(None));
    }
}

impl<F: Future> Future for InOpenTelemetry<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.as_mut().project();
        let (Some(inner), Some(carried)) = (this.inner.as_pin_mut(), this.carried.as_ref()) else {
            panic!("this future is done and was dropped with its context; it cannot be polled again")
        };
        let context = this.context.get_or_insert_with(|| carried.in_copy_of_context());
        let attached = carried.attach();
        let polled = context.run(|| inner.poll(cx));
        drop(attached);
        if polled.is_ready() {
            self.end();
        }
        polled
    }
}

impl<F> fmt::Debug for InOpenTelemetry<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InOpenTelemetry").field("cx", &self.carried.as_ref().map(Carried::cx)).finish_non_exhaustive()
    }
}
