//! [`InOpenTelemetry`]: a future with an OpenTelemetry context that its children inherit.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use contextvars::{ContextExt, InContext};
use opentelemetry::Context;
use pin_project_lite::pin_project;

use crate::carried::{carrying, current};

/// Runs futures in an OpenTelemetry context that their children inherit.
pub trait OpenTelemetryExt: Future + Sized {
    /// Runs this future with `cx` for OpenTelemetry's current context: at each poll, and when it is dropped.
    ///
    /// The future gets a copy of the current context of variables, which carries `cx`. What it sets stays in there.
    fn in_opentelemetry(self, cx: Context) -> InOpenTelemetry<Self> {
        let context = carrying(cx.clone());
        InOpenTelemetry { inner: Some(self.in_context(context)), cx }
    }

    /// Runs this future in the context that is [`current`] now: attached on this thread, or inherited.
    fn in_current_opentelemetry(self) -> InOpenTelemetry<Self> {
        self.in_opentelemetry(current())
    }
}

impl<F: Future> OpenTelemetryExt for F {}

pin_project! {
    /// A future in an OpenTelemetry context; [`OpenTelemetryExt`] makes it.
    #[must_use = "futures do nothing unless polled"]
    pub struct InOpenTelemetry<F> {
        // `None` only while it is dropped.
        #[pin]
        inner: Option<InContext<F>>,
        cx: Context,
    }

    impl<F> PinnedDrop for InOpenTelemetry<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _attached = this.cx.clone().attach();
            this.inner.set(None);
        }
    }
}

impl<F: Future> Future for InOpenTelemetry<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else { unreachable!("it is not being dropped") };
        let _attached = this.cx.clone().attach();
        inner.poll(cx)
    }
}

impl<F> fmt::Debug for InOpenTelemetry<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InOpenTelemetry").field("cx", &self.cx).finish_non_exhaustive()
    }
}
