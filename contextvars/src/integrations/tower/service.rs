//! [`ContextService`]: calls a service in each request's own context.

use std::fmt;
use std::task::{self, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::future::ResponseFuture;
use crate::context::{Context, inherit_context};
use crate::task::InContext;

/// A service that handles each request in a context of its own; [`ContextLayer`](super::ContextLayer) creates it.
///
/// Costs creating and entering a context, a few nanoseconds each, besides `init`.
///
/// # Examples
///
/// One service answers any number of requests, and none of them sees a value that another has set.
///
/// ```
/// # use std::convert::Infallible;
/// # use http::{Request, Response};
/// # use tower::{Layer, Service, service_fn};
/// use contextvars::context_var;
/// use contextvars::tower::{ContextLayer, ContextService};
///
/// #[context_var(default = 0)]
/// static QUERIES: u32;
///
/// async fn handle(request: Request<u32>) -> Result<Response<String>, Infallible> {
///     for _ in 0..*request.body() {
///         QUERIES.set(QUERIES.get() + 1);
///         tokio::task::yield_now().await;
///     }
///     Ok(Response::new(format!("after {} queries", QUERIES.get())))
/// }
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), Infallible> {
///     let mut service: ContextService<_> = ContextLayer::new().layer(service_fn(handle));
///     let (two, three) = tokio::try_join!(service.call(Request::new(2)), service.call(Request::new(3)))?;
///     assert_eq!(two.into_body().into_parts().0, "after 2 queries");
///     assert_eq!(three.into_body().into_parts().0, "after 3 queries");
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct ContextService<S, I = ()> {
    inner: S,
    settings: Settings,
    init: I,
}

/// The settings of a layer.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) base: Base,
    pub(super) carry: bool,
}

/// The origin of the contexts.
#[derive(Clone, Debug)]
pub(super) enum Base {
    /// From the caller of the service.
    Caller,
    /// From the layer.
    Given(Context),
    /// From the request's extensions.
    Carried,
}

/// A context in a request's extensions. Private, so that only this module can put one there.
#[derive(Clone)]
struct Carried(Context);

impl Settings {
    fn context_of<B>(&self, request: &Request<B>) -> Context {
        match &self.base {
            Base::Caller => inherit_context(),
            Base::Given(context) => context.clone().carrying(),
            Base::Carried => match request.extensions().get() {
                Some(Carried(context)) => Context::clone(context),
                None => inherit_context(),
            },
        }
    }
}

/// The function that a layer calls with each request: a closure `Fn(&R)`, or `()`, which does nothing.
///
/// # Examples
///
/// For the bounds of code that takes any [`ContextLayer`](super::ContextLayer), whose requests are `http::Request`s, or
/// any [`AnyContextLayer`](super::AnyContextLayer).
///
/// ```
/// # use std::convert::Infallible;
/// # use http::{Request, Response};
/// # use tower::{Layer, ServiceExt, service_fn};
/// use contextvars::context_var;
/// use contextvars::tower::{ContextLayer, Init};
///
/// #[context_var(default = "guest".to_owned())]
/// static USER: String;
///
/// async fn greet(_: Request<&str>) -> Result<Response<String>, Infallible> {
///     Ok(Response::new(format!("hello {}", USER.get())))
/// }
///
/// async fn answer<I: Init<Request<&'static str>> + Clone>(layer: ContextLayer<I>) -> String {
///     let response = layer.layer(service_fn(greet)).oneshot(Request::new("ada")).await;
///     response.unwrap().into_body().into_parts().0
/// }
///
/// # fn main() {
/// # fn block_on<F: Future>(future: F) -> F::Output { pollster::block_on(future) }
/// let by_body = |request: &Request<&'static str>| drop(USER.set((*request.body()).to_owned()));
/// assert_eq!(block_on(answer(ContextLayer::new().init(by_body))), "hello ada");
/// assert_eq!(block_on(answer(ContextLayer::new())), "hello guest");
/// # }
/// ```
pub trait Init<R> {
    /// Is called with the request, in the request's context.
    fn init(&self, request: &R);
}

impl<R> Init<R> for () {
    fn init(&self, _: &R) {}
}

impl<R, F: Fn(&R)> Init<R> for F {
    fn init(&self, request: &R) {
        self(request);
    }
}

impl<S, I> ContextService<S, I> {
    pub(super) fn new(inner: S, settings: Settings, init: I) -> Self {
        Self { inner, settings, init }
    }
}

impl<S, I, B, R> Service<Request<B>> for ContextService<S, I>
where
    S: Service<Request<B>, Response = Response<R>>,
    I: Init<Request<B>>,
{
    type Response = Response<InContext<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    /// Runs in the caller's context: there is no request yet.
    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let mut context = self.settings.context_of(&request);
        let future = context.run(|| {
            self.init.init(&request);
            if self.settings.carry {
                request.extensions_mut().insert(Carried(inherit_context()));
            }
            self.inner.call(request)
        });
        ResponseFuture::new(future, context)
    }
}

impl<S: fmt::Debug, I> fmt::Debug for ContextService<S, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { base, carry } = &self.settings;
        f.debug_struct("ContextService")
            .field("inner", &self.inner)
            .field("base", base)
            .field("carry", carry)
            .finish_non_exhaustive()
    }
}
