//! [`BaggageLayer`]: a server's requests begin with the variables that came with them.

use std::task::{self, Poll};

use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use super::OnSkipped;
use crate::context::inherit_context;
use crate::task::InContext;
use crate::travelling::{Settings, Skipped};

/// Serves each request in a context of its own, with the variables that came in its baggage.
///
/// The request inherits from the caller, as under the `ContextLayer` of the `tower` feature: without the variables that
/// are declared with `inherit = false`. Its context is entered for the call of the inner service, for every poll of the
/// future that it returns, and for its drop. Spawned work inherits from it as usual. If the body of the response is
/// made bit by bit, put the `ContextLayer` inside of this one: it enters the context for the body as well.
///
/// Read [`baggage`](crate::baggage#trust) on whom to trust before you put this in front of a service.
///
/// # Examples
///
/// ```
/// use contextvars::baggage::BaggageLayer;
/// use contextvars::context_var;
/// use http::{Request, Response};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// #[context_var(baggage = "client", default = 0)]
/// static CLIENT: u32;
///
/// # fn main() {
/// # pollster::block_on(async {
/// let service = ServiceBuilder::new()
///     .layer(BaggageLayer::new().on_skipped(|skipped| eprintln!("{skipped}")))
///     .service(service_fn(async |_: Request<()>| Ok::<_, std::io::Error>(Response::new(CLIENT.get()))));
/// let request = Request::builder().header("baggage", "client=7").body(()).unwrap();
/// assert_eq!(service.oneshot(request).await.unwrap().into_body(), 7);
/// # });
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct BaggageLayer {
    settings: Settings,
    on_skipped: OnSkipped,
}

impl BaggageLayer {
    /// Returns the layer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads baggage by other settings than the specification's: more of it, say, or only what variables stand for.
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::baggage::{Baggage, BaggageLayer, Settings};
    /// use contextvars::context_var;
    /// use http::{Request, Response};
    /// use tower::{Layer, ServiceExt, service_fn};
    ///
    /// #[context_var(baggage = "gate")]
    /// static GATE: u32;
    ///
    /// # fn main() {
    /// # pollster::block_on(async {
    /// let layer = BaggageLayer::new().settings(Settings::new().variables_only());
    /// let service = service_fn(async |_: Request<()>| {
    ///     // What would be sent on from here.
    ///     Ok::<_, std::io::Error>(Response::new(Baggage::current().0.to_string()))
    /// });
    /// let request = Request::builder().header("baggage", "gate=7,plan=pro").body(()).unwrap();
    /// assert_eq!(layer.layer(service).oneshot(request).await.unwrap().into_body(), "gate=7");
    /// # });
    /// # }
    /// ```
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Calls `f` for each member that was left out: malformed, of the wrong type, or too much.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// use contextvars::baggage::BaggageLayer;
    /// use contextvars::context_var;
    /// use http::{Request, Response};
    /// use tower::{Layer, ServiceExt, service_fn};
    ///
    /// #[context_var(baggage = "attempt")]
    /// static ATTEMPT: u32;
    ///
    /// # fn main() {
    /// # pollster::block_on(async {
    /// let (sender, skipped) = mpsc::channel();
    /// let layer = BaggageLayer::new().on_skipped(move |it| sender.send(it.clone()).unwrap());
    /// let service = service_fn(async |_: Request<()>| Ok::<_, std::io::Error>(Response::new(ATTEMPT.is_set())));
    /// let request = Request::builder().header("baggage", "attempt=first").body(()).unwrap();
    /// assert!(!layer.layer(service).oneshot(request).await.unwrap().into_body());
    /// assert!(skipped.try_recv().unwrap().is_wrong_value());
    /// # });
    /// # }
    /// ```
    #[must_use]
    pub fn on_skipped(mut self, f: impl Fn(&Skipped) + Send + Sync + 'static) -> Self {
        self.on_skipped = OnSkipped::new(f);
        self
    }
}

impl<S> Layer<S> for BaggageLayer {
    type Service = BaggageService<S>;

    fn layer(&self, inner: S) -> BaggageService<S> {
        BaggageService { inner, settings: self.settings, on_skipped: self.on_skipped.clone() }
    }
}

/// What [`BaggageLayer`] makes of a service.
///
/// # Examples
///
/// ```
/// use contextvars::baggage::{BaggageLayer, BaggageService};
/// use contextvars::context_var;
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// #[context_var(baggage = "seat", default = 0)]
/// static SEAT: u32;
///
/// # fn main() {
/// # pollster::block_on(async {
/// let inner = service_fn(async |_: Request<()>| Ok::<_, std::io::Error>(Response::new(SEAT.get())));
/// let service: BaggageService<_> = BaggageLayer::new().layer(inner);
/// let request = Request::builder().header("baggage", "seat=7").body(()).unwrap();
/// assert_eq!(service.clone().oneshot(request).await.unwrap().into_body(), 7);
///
/// // The next request has a context of its own.
/// assert_eq!(service.oneshot(Request::new(())).await.unwrap().into_body(), 0);
/// # });
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct BaggageService<S> {
    inner: S,
    settings: Settings,
    on_skipped: OnSkipped,
}

impl<S, B> Service<Request<B>> for BaggageService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = InContext<S::Future>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut context, skipped) = self.settings.extract(request.headers(), inherit_context());
        self.on_skipped.report(&skipped);
        let future = context.run(|| self.inner.call(request));
        InContext::with_own(future, context)
    }
}
