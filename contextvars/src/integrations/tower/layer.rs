//! [`ContextLayer`]: which context each request gets.

use std::fmt;

use http::Request;
use tower_layer::Layer;

use super::service::{Base, ContextService, Settings};
use crate::context::Context;

/// A layer that gives each request a context of its own.
///
/// Layers inside of this one see the context; layers outside of it do not.
///
/// Costs each request a copy of a context, which is one reference count, and entering it for the call, for each poll of
/// the response and for each frame of its body. It allocates only for the values that `init` sets, and for
/// [`carry`](Self::carry).
///
/// # Examples
///
/// ```
/// # use std::convert::Infallible;
/// # use http::{Request, Response};
/// # use tower::{Layer, ServiceExt, service_fn};
/// use contextvars::tower::ContextLayer;
/// use contextvars::{Context, context_var};
///
/// #[context_var(default = 0)]
/// static CONNECTION: u64;
/// #[context_var(default = "?")]
/// static SERVER: &'static str;
///
/// async fn handle(_: Request<()>) -> Result<Response<String>, Infallible> {
///     Ok(Response::new(format!("{} of {}", CONNECTION.get(), SERVER.get())))
/// }
///
/// # fn main() {
/// let answer = |layer: ContextLayer| {
///     let response = layer.layer(service_fn(handle)).oneshot(Request::new(()));
///     pollster::block_on(response).unwrap().into_body().into_parts().0
/// };
/// CONNECTION.set(7);
/// // In a copy of the context that is current when the request arrives,
/// assert_eq!(answer(ContextLayer::new()), "7 of ?");
/// // in a context that starts empty,
/// assert_eq!(answer(ContextLayer::from(Context::new())), "0 of ?");
/// // or in a copy of a given context.
/// assert_eq!(answer(ContextLayer::from(Context::new().with(&SERVER, "eu-1"))), "0 of eu-1");
/// # }
/// ```
#[derive(Clone)]
#[doc(alias = "middleware")]
pub struct ContextLayer<I = ()> {
    settings: Settings,
    init: I,
}

impl ContextLayer {
    /// Gives each request a copy of the context that is current where the service is called, without the variables
    /// declared with `inherit = false`.
    #[must_use]
    pub fn new() -> Self {
        Self::on(Base::Caller)
    }

    /// Gives each request a copy of the context in its extensions, which [`carry`](Self::carry) of an outer layer puts
    /// there. A request without one gets the same context as with [`new`](Self::new).
    #[must_use]
    pub fn carried() -> Self {
        Self::on(Base::Carried)
    }

    fn on(base: Base) -> Self {
        Self { settings: Settings { base, carry: false }, init: () }
    }
}

impl<I> ContextLayer<I> {
    /// Calls `init` with each request, in the request's context, before the service is called, to set variables.
    ///
    /// Where the compiler cannot infer the type of the request's body, the closure has to name it, as in
    /// `|request: &Request<Body>| ..`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::convert::Infallible;
    /// # use http::{Request, Response, Uri};
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// use contextvars::context_var;
    /// use contextvars::tower::ContextLayer;
    ///
    /// #[context_var]
    /// static URI: Uri;
    ///
    /// async fn handle(_: Request<String>) -> Result<Response<String>, Infallible> {
    ///     Ok(Response::new(URI.with(|uri| format!("no such page: {}", uri.path()))))
    /// }
    ///
    /// # fn main() -> Result<(), http::Error> {
    /// let layer = ContextLayer::new().init(|request: &Request<String>| {
    ///     URI.set(request.uri().clone());
    /// });
    /// let request = Request::get("/orders").body(String::new())?;
    /// let response = pollster::block_on(layer.layer(service_fn(handle)).oneshot(request)).unwrap();
    /// assert_eq!(response.into_body().into_parts().0, "no such page: /orders");
    /// assert!(!URI.is_set());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn init<B, F>(self, init: F) -> ContextLayer<F>
    where
        F: Fn(&Request<B>),
    {
        ContextLayer { settings: self.settings, init }
    }

    /// Puts a copy of each request's context into its extensions, without the variables declared with
    /// `inherit = false`. The copy is made after `init` has run.
    ///
    /// For services that call the next one in another task, as `tower::buffer::Buffer` does: put
    /// [`ContextLayer::carried`] inside of them. Values that inner services set stay in the copy. Costs an allocation.
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::context_var;
    /// use contextvars::tower::ContextLayer;
    /// use http::{Request, Response};
    /// use http_body_util::BodyExt;
    /// use tower::{Service, ServiceBuilder, ServiceExt};
    ///
    /// #[context_var(default = 0)]
    /// static LENGTH: usize;
    ///
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() {
    ///     let service = ServiceBuilder::new()
    ///         .layer(ContextLayer::new().init(|request: &Request<String>| {
    ///             LENGTH.set(request.body().len());
    ///         }).carry())
    ///         .buffer(8)
    ///         .layer(ContextLayer::carried())
    ///         .service_fn(|_: Request<String>| {
    ///             let length = LENGTH.get(); // in the buffer's task
    ///             async move { Ok::<_, tower::BoxError>(Response::new(length.to_string())) }
    ///         });
    ///     let response = service.oneshot(Request::new("hello".to_owned())).await.unwrap();
    ///     assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "5");
    /// }
    /// ```
    #[must_use]
    pub fn carry(mut self) -> Self {
        self.settings.carry = true;
        self
    }
}

impl Default for ContextLayer {
    fn default() -> Self {
        Self::new()
    }
}

/// Gives each request a copy of this context, which may be empty.
impl From<Context> for ContextLayer {
    fn from(context: Context) -> Self {
        Self::on(Base::Given(context))
    }
}

impl<S, I: Clone> Layer<S> for ContextLayer<I> {
    type Service = ContextService<S, I>;

    fn layer(&self, inner: S) -> Self::Service {
        ContextService::new(inner, self.settings.clone(), self.init.clone())
    }
}

impl<I> fmt::Debug for ContextLayer<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { base, carry } = &self.settings;
        f.debug_struct("ContextLayer").field("base", base).field("carry", carry).finish_non_exhaustive()
    }
}
