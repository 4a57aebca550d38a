//! [`ResponseFuture`]: the future of a response, which adds the headers to be echoed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;

use super::OnSkipped;
use crate::propagation::own::Settings;

pin_project! {
    /// The future of a service in an [`ExtractLayer`](super::ExtractLayer): that of the inner service, to whose
    /// response it adds the headers to be [echoed](super::ExtractLayer::echo).
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::headers::{HeadersLayer, ResponseFuture};
    /// use contextvars::{InContext, context_var};
    /// use http::{Request, Response};
    /// use tower::{Layer, Service, service_fn};
    ///
    /// #[context_var(header = "x-table")]
    /// static TABLE: u32;
    ///
    /// # fn main() {
    /// # pollster::block_on(async {
    /// let inner = service_fn(async |_: Request<()>| Ok::<_, std::io::Error>(Response::new(())));
    /// let mut service = HeadersLayer::new().echo([TABLE.variable()]).layer(inner);
    /// let request = Request::builder().header("x-table", "7").body(()).unwrap();
    /// let response: InContext<ResponseFuture<_>> = service.call(request);
    /// assert_eq!(response.await.unwrap().headers()["x-table"], "7");
    /// # });
    /// # }
    /// ```
    #[must_use = "futures do nothing unless they are awaited or polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        echo: Option<Settings>,
        on_skipped: OnSkipped,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, echo: Option<Settings>, on_skipped: OnSkipped) -> Self {
        Self { inner, echo, on_skipped }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut result = ready!(this.inner.poll(cx));
        if let (Ok(response), Some(echo)) = (&mut result, this.echo) {
            this.on_skipped.report(&echo.echo(response.headers_mut()));
        }
        Poll::Ready(result)
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("echo", &self.echo).finish_non_exhaustive()
    }
}
