//! [`AnyContextLayer`]: a context for each call of a service, with requests of any type.

use std::fmt;
use std::task::{self, Poll};

use tower_layer::Layer;
use tower_service::Service;

use super::service::Init;
use crate::context::{Context, inherit_context};
use crate::task::InContext;

/// A layer that gives each request a context of its own, with requests and responses of any type: the events of a cloud
/// function, the jobs of a queue, or plain strings.
///
/// The context is current in the synchronous part of `call`, in every poll of the future that the service returns, and
/// when that is dropped. For HTTP use [`ContextLayer`](super::ContextLayer), which also enters it for the response's
/// body.
///
/// Costs each request a copy of a context, which is one reference count, and entering it for the call and for each
/// poll. It allocates only for the values that `init` sets.
///
/// # Tasks in between
/// A request of any type has no field for a context, which is needed to pass a service that calls the next one in
/// another task, as `tower::buffer::Buffer` does. Pass a pair, with `.map_request(|request| (inherit_context(), request))`
/// outside of the buffer and `.service_fn(|(ctx, request)| handle(request).in_context(ctx))` inside of it.
///
/// # Examples
///
/// ```
/// # use std::convert::Infallible;
/// use contextvars::context_var;
/// use contextvars::tower::AnyContextLayer;
/// use tower::{ServiceBuilder, ServiceExt};
///
/// #[context_var]
/// static JOB: u64;
///
/// async fn work(_: (u64, &str)) -> Result<String, Infallible> {
///     Ok(format!("job {} is done", JOB.get()))
/// }
///
/// # fn main() {
/// let layer = AnyContextLayer::new().init(|job: &(u64, &str)| drop(JOB.set(job.0)));
/// let service = ServiceBuilder::new().layer(layer).service_fn(work);
/// assert_eq!(pollster::block_on(service.oneshot((7, "reindex"))).unwrap(), "job 7 is done");
/// assert!(!JOB.is_set());
/// # }
/// ```
#[derive(Clone)]
pub struct AnyContextLayer<I = ()> {
    /// The given context, or `None` to inherit the caller's.
    base: Option<Context>,
    init: I,
}

impl AnyContextLayer {
    /// Gives each request a copy of the context that is current where the service is called, without the variables
    /// declared with `inherit = false`.
    #[must_use]
    pub fn new() -> Self {
        Self { base: None, init: () }
    }
}

impl<I> AnyContextLayer<I> {
    /// Calls `init` with each request, in the request's context, before the service is called, to set variables.
    ///
    /// The closure has to name the type of the request, as in `|request: &Job| ..`.
    #[must_use]
    pub fn init<R, F>(self, init: F) -> AnyContextLayer<F>
    where
        F: Fn(&R),
    {
        AnyContextLayer { base: self.base, init }
    }
}

impl Default for AnyContextLayer {
    fn default() -> Self {
        Self::new()
    }
}

/// Gives each request a copy of this context, which may be empty.
impl From<Context> for AnyContextLayer {
    fn from(context: Context) -> Self {
        Self { base: Some(context), init: () }
    }
}

impl<S, I: Clone> Layer<S> for AnyContextLayer<I> {
    type Service = AnyContextService<S, I>;

    fn layer(&self, inner: S) -> Self::Service {
        AnyContextService { inner, layer: self.clone() }
    }
}

impl<I> fmt::Debug for AnyContextLayer<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyContextLayer").field("base", &self.base).finish_non_exhaustive()
    }
}

/// A service that handles each request in a context of its own; [`AnyContextLayer`] creates it.
///
/// # Examples
///
/// ```
/// # use std::convert::Infallible;
/// use contextvars::context_var;
/// use contextvars::tower::{AnyContextLayer, AnyContextService};
/// use tower::{Layer, Service, service_fn};
///
/// #[context_var(default = 0)]
/// static STEPS: u32;
///
/// async fn count(steps: u32) -> Result<u32, Infallible> {
///     for _ in 0..steps {
///         STEPS.set(STEPS.get() + 1);
///         tokio::task::yield_now().await;
///     }
///     Ok(STEPS.get())
/// }
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), Infallible> {
///     let mut service: AnyContextService<_> = AnyContextLayer::new().layer(service_fn(count));
///     assert_eq!(tokio::try_join!(service.call(2), service.call(3))?, (2, 3));
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct AnyContextService<S, I = ()> {
    inner: S,
    layer: AnyContextLayer<I>,
}

impl<S, I, R> Service<R> for AnyContextService<S, I>
where
    S: Service<R>,
    I: Init<R>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = InContext<S::Future>;

    /// Runs in the caller's context: there is no request yet.
    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let mut context = self.layer.base.clone().map_or_else(inherit_context, Context::carrying);
        let future = context.run(|| {
            self.layer.init.init(&request);
            self.inner.call(request)
        });
        InContext::with_own(future, context)
    }
}

impl<S: fmt::Debug, I> fmt::Debug for AnyContextService<S, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyContextService").field("inner", &self.inner).field("layer", &self.layer).finish()
    }
}
