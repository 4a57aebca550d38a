//! [`ResponseFuture`]: the future of a response, in the request's context.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{self, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;

use crate::context::Context;
use crate::task::{ContextExt, InContext};

pin_project! {
    /// The future of a [`ContextService`](super::ContextService): runs in the request's context, and passes the context
    /// to the response's body.
    ///
    /// The inner future is dropped as soon as it completes, still in the context.
    ///
    /// Costs entering the context for each poll, a few nanoseconds, and the size of two pointers.
    ///
    /// # Panics
    /// If it is polled after it has completed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::convert::Infallible;
    /// # use http::{Request, Response};
    /// # use tower::{Layer, Service, service_fn};
    /// use contextvars::context_var;
    /// use contextvars::tower::{ContextLayer, ResponseFuture};
    ///
    /// #[context_var]
    /// static ROUTE: &'static str;
    ///
    /// async fn handle(_: Request<()>) -> Result<Response<String>, Infallible> {
    ///     ROUTE.set("/orders");
    ///     tokio::task::yield_now().await;
    ///     Ok(Response::new(ROUTE.get().to_owned()))
    /// }
    ///
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Infallible> {
    ///     let mut service = ContextLayer::new().layer(service_fn(handle));
    ///     let response: ResponseFuture<_> = service.call(Request::new(()));
    ///     let (body, ctx) = response.await?.into_body().into_parts();
    ///     assert_eq!((body.as_str(), ctx[&ROUTE], ROUTE.is_set()), ("/orders", "/orders", false));
    ///     Ok(())
    /// }
    /// ```
    #[must_use = "futures do nothing unless they are awaited or polled"]
    pub struct ResponseFuture<F> {
        // `Some` until it completes, or until `drop` has dropped it.
        #[pin]
        inner: Option<F>,
        context: Context,
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
    pub(super) fn new(inner: F, context: Context) -> Self {
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
            panic!("the future of a `ContextService` was polled after it had completed");
        };
        let polled = inner.poll(cx);
        if polled.is_ready() {
            this.inner.set(None);
        }
        entered.leave();
        let result = ready!(polled);
        let context = mem::take(this.context);
        Poll::Ready(result.map(|response| response.map(|body| body.in_context(context))))
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("context", &self.context).finish_non_exhaustive()
    }
}
