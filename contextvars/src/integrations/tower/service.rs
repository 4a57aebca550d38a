//! [`ContextService`]: calls a service in each request's own context.

use std::fmt;
use std::task::{self, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::future::ResponseFuture;
use crate::context::{Context, TaskContext, inherit_context};
use crate::task::InContext;

/// A service that handles each request in a context of its own; [`ContextLayer`](super::ContextLayer) makes it.
///
/// Costs the making of a context and its entering, a few nanoseconds each, besides what `init` does.
///
/// # Examples
///
/// ```
/// use std::convert::Infallible;
///
/// use contextvars::tower::{ContextLayer, ContextService};
/// use contextvars::{Context, context_var};
/// use http::{Request, Response};
/// use tower::{Layer, Service, service_fn};
///
/// #[context_var(default = 0)]
/// static QUERIES: u32;
///
/// # fn main() {
/// # fn block_on<F: Future>(future: F) -> F::Output { pollster::block_on(future) }
/// let answer = service_fn(|_: Request<()>| async {
///     QUERIES.set(QUERIES.get() + 1);
///     Ok::<_, Infallible>(Response::new(QUERIES.get()))
/// });
/// let mut service: ContextService<_> = ContextLayer::from(Context::new()).layer(answer);
/// for _ in 0..2 {
///     let Ok(response) = block_on(service.call(Request::new(())));
///     // Each request counts for itself. The body has the request's context with it.
///     let (queries, context) = response.into_body().into_parts();
///     assert_eq!((queries, context[&QUERIES]), (1, 1));
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct ContextService<S, I = ()> {
    inner: S,
    settings: Settings,
    init: I,
}

/// What a layer was told.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) base: Base,
    pub(super) carry: bool,
}

/// Where the contexts come from.
#[derive(Clone, Debug)]
pub(super) enum Base {
    /// From whoever calls the service.
    Caller,
    /// From the layer.
    Given(Context),
    /// From the request's extensions.
    Carried,
}

/// A context in a request's extensions. Private, so that nobody else can put one there.
#[derive(Clone)]
struct Carried(TaskContext);

impl Settings {
    fn context_of<B>(&self, request: &Request<B>) -> Context {
        match &self.base {
            Base::Caller => inherit_context(),
            Base::Given(context) => context.clone(),
            Base::Carried => match request.extensions().get() {
                Some(Carried(context)) => Context::clone(context),
                None => inherit_context(),
            },
        }
    }
}

/// What a layer calls with each request: a closure `Fn(&Request<B>)`, or `()`, which does nothing.
///
/// # Examples
///
/// ```
/// use std::convert::Infallible;
///
/// use contextvars::tower::{ContextLayer, ContextService, Init};
/// use contextvars::context_var;
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt};
///
/// #[context_var(default = 0)]
/// static LENGTH: usize;
///
/// #[derive(Clone)]
/// struct Double;
///
/// impl tower::Service<Request<String>> for Double {
/// #     type Response = Response<usize>;
/// #     type Error = Infallible;
/// #     type Future = std::future::Ready<Result<Response<usize>, Infallible>>;
/// #     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
/// #         std::task::Poll::Ready(Ok(()))
/// #     }
///     // ..
///     fn call(&mut self, _: Request<String>) -> Self::Future {
///         std::future::ready(Ok(Response::new(2 * LENGTH.get())))
///     }
/// }
///
/// /// The service under whatever layer, be it told what to do with each request or not.
/// fn layered<I: Init<String> + Clone>(layer: ContextLayer<I>) -> ContextService<Double, I> {
///     layer.layer(Double)
/// }
///
/// # fn main() {
/// # fn block_on<F: Future>(future: F) -> F::Output { pollster::block_on(future) }
/// let init = |request: &Request<String>| _ = LENGTH.set(request.body().len());
/// let Ok(with) = block_on(layered(ContextLayer::new().init(init)).oneshot(Request::new("four".to_owned())));
/// let Ok(without) = block_on(layered(ContextLayer::new()).oneshot(Request::new("four".to_owned())));
/// assert_eq!((with.into_body().into_parts().0, without.into_body().into_parts().0), (8, 0));
/// # }
/// ```
pub trait Init<B> {
    /// Looks at the request, in the request's context.
    fn init(&self, request: &Request<B>);
}

impl<B> Init<B> for () {
    fn init(&self, _: &Request<B>) {}
}

impl<B, F: Fn(&Request<B>)> Init<B> for F {
    fn init(&self, request: &Request<B>) {
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
    I: Init<B>,
{
    type Response = Response<InContext<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    /// In no context of ours: there is no request yet.
    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let mut context = TaskContext::new(self.settings.context_of(&request));
        let future = context.run(|| {
            self.init.init(&request);
            if self.settings.carry {
                request.extensions_mut().insert(Carried(TaskContext::new(inherit_context())));
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
