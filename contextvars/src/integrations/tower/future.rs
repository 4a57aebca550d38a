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
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::convert::Infallible;
    /// # use std::pin::pin;
    /// # use std::sync::mpsc;
    /// # use contextvars::context_var;
    /// # use contextvars::tower::ContextLayer;
    /// # use http::{Request, Response};
    /// # use tower::{Layer, Service, service_fn};
    /// #[context_var]
    /// static USER: &'static str;
    ///
    /// /// Tells whose request it was part of, when it ends.
    /// struct Query(mpsc::Sender<&'static str>);
    ///
    /// impl Drop for Query {
    ///     fn drop(&mut self) {
    ///         self.0.send(USER.get()).unwrap();
    ///     }
    /// }
    ///
    /// # fn main() {
    /// let (sender, ended) = mpsc::channel();
    /// let layer = ContextLayer::new().init(|_: &Request<()>| _ = USER.set("ada"));
    /// let mut service = layer.layer(service_fn(|_| {
    ///     let query = Query(sender.clone());
    ///     async {
    ///         let _query = query;
    ///         std::future::pending::<Result<Response<()>, Infallible>>().await
    ///     }
    /// }));
    /// // The client goes away before there is an answer.
    /// drop(service.call(Request::new(())));
    /// assert_eq!(ended.recv(), Ok("ada"));
    /// assert!(!USER.is_set());
    /// # }
    /// ```
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
        let polled = inner.poll(cx);
        if polled.is_ready() {
            this.inner.set(None);
        }
        entered.leave();
        let result = ready!(polled);
        let context = mem::take(this.context);
        Poll::Ready(result.map(|response| response.map(|body| body.in_context(context.into_context()))))
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("context", &*self.context).finish_non_exhaustive()
    }
}
