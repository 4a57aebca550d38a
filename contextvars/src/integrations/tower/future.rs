//! [`ResponseFuture`]: a response on its way, in the request's context.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{self, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;

use crate::context::TaskContext;
use crate::task::{ContextExt, InContext};

pin_project! {
    /// The future of a [`ContextService`](super::ContextService): runs in the request's context, and hands it on to the
    /// response's body.
    ///
    /// The inner future is dropped as soon as it is done, still in the context.
    #[must_use = "futures do nothing unless they are awaited or polled"]
    pub struct ResponseFuture<F> {
        // `Some` until it is done, or `drop` is done with it.
        #[pin]
        inner: Option<F>,
        context: TaskContext,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let entered = this.context.enter();
            this.inner.set(None);
            entered.leave();
        }
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, context: TaskContext) -> Self {
        Self { inner: Some(inner), context }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<InContext<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let entered = this.context.enter();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            panic!("the future of a `ContextService` was polled after it was done");
        };
        let result = ready!(inner.poll(cx));
        this.inner.set(None);
        entered.leave();
        let context = mem::take(this.context);
        Poll::Ready(result.map(|response| response.map(|body| body.in_context(context.into_context()))))
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("context", &*self.context).finish_non_exhaustive()
    }
}
