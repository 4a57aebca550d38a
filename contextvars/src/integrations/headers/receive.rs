//! [`ExtractLayer`]: a server's requests begin with the variables from their headers.

use std::fmt;
use std::sync::Arc;
use std::task::{self, Poll};

use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::OnSkipped;
use super::respond::ResponseFuture;
use crate::context::inherit_context;
use crate::propagation::own::Settings;
use crate::propagation::{Format, Skipped};
use crate::state::ContextVar;
use crate::task::InContext;
use crate::variable::Variable;

/// Serves each request in a context of its own, with the variables from its headers.
///
/// `HeadersLayer` is this layer for [`headers::Settings`](Settings), `baggage::BaggageLayer` for baggage. For both,
/// write `ExtractLayer::of((headers::Settings::new(), baggage::Settings::new()))`.
///
/// The request inherits from the caller, as under the `ContextLayer` of the `tower` feature: without the variables that
/// are declared with `inherit = false`. Its context is entered for the call of the inner service, for every poll of the
/// future that it returns, and for its drop. Spawned work inherits from it as usual.
///
/// A streamed body is polled after that: with the feature `tower`, put a `ContextLayer` inside of this layer. That makes
/// a second context, in which a variable with `inherit = false` is not set, and a value that is set there is not echoed.
/// If you need either, `.map_response(|response: Response<_>| response.map(ContextExt::in_current_context))` in its place
/// gives the body a copy of the context.
///
/// Inside of a service that calls the next one in another task, such as `tower::buffer::Buffer`, requests have the
/// variables of their headers, but inherit nothing from the caller: put this layer outside of it.
///
/// Read [`headers`](crate::headers#trust) on which requests to trust before you use this layer.
///
/// Costs one [`extract`](Settings::extract), and entering the context for the call and for each poll.
///
/// # Panics
/// `call` panics if the `FromStr` of a variable's type or a generator does. The future panics if the `Display` of an
/// echoed value does, or returns an error; the response is then lost.
///
/// # Examples
///
/// ```
/// use contextvars::context_var;
/// use contextvars::headers::{HeadersLayer, Settings};
/// use http::{Request, Response};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// #[context_var(header = "x-client", default = 0)]
/// static CLIENT: u32;
///
/// # fn main() {
/// # pollster::block_on(async {
/// let layer = HeadersLayer::of(Settings::new().only([CLIENT.variable()]));
/// let service = ServiceBuilder::new()
///     .layer(layer.on_skipped(|skipped| eprintln!("{skipped}")))
///     .service(service_fn(async |_: Request<()>| Ok::<_, std::io::Error>(Response::new(CLIENT.get()))));
/// let request = Request::builder().header("x-client", "7").body(()).unwrap();
/// assert_eq!(service.oneshot(request).await.unwrap().into_body(), 7);
/// # });
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ExtractLayer<F> {
    format: F,
    generators: Generators,
    echo: Option<Settings>,
    on_skipped: OnSkipped,
}

/// The functions that are called for variables without a received value.
#[derive(Clone, Default)]
struct Generators(Option<Arc<dyn Fn() + Send + Sync>>);

impl fmt::Debug for Generators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "functions" } else { "nothing" })
    }
}

impl<F: Format + Default> ExtractLayer<F> {
    /// Returns the layer with the default settings of the format.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<F: Format> ExtractLayer<F> {
    /// Returns the layer for this format, or with these settings of a format.
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
    /// let layer = BaggageLayer::of(Settings::new().variables_only());
    /// let service = service_fn(async |_: Request<()>| {
    ///     // The headers of a request that is made here.
    ///     Ok::<_, std::io::Error>(Response::new(Baggage::current().0.to_string()))
    /// });
    /// let request = Request::builder().header("baggage", "gate=7,plan=pro").body(()).unwrap();
    /// assert_eq!(layer.layer(service).oneshot(request).await.unwrap().into_body(), "gate=7");
    /// # });
    /// # }
    /// ```
    #[must_use]
    pub fn of(format: F) -> Self {
        Self { format, generators: Generators::default(), echo: None, on_skipped: OnSkipped::default() }
    }

    /// Sets `var` to the result of `f` in each request that has no value of it, neither from its headers nor from the
    /// caller's context. `f` is called in the request's context.
    ///
    /// A header that was left out counts as missing, and so does an empty one.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// use contextvars::context_var;
    /// use contextvars::headers::HeadersLayer;
    /// use http::{Request, Response};
    /// use tower::{Layer, ServiceExt, service_fn};
    ///
    /// #[context_var(header = "x-visit")]
    /// static VISIT: u64;
    ///
    /// static VISITS: AtomicU64 = AtomicU64::new(100);
    ///
    /// # fn main() {
    /// # pollster::block_on(async {
    /// let layer = HeadersLayer::new().generate(&VISIT, || VISITS.fetch_add(1, Ordering::Relaxed)).echo([VISIT.variable()]);
    /// let service = layer.layer(service_fn(async |_: Request<()>| Ok::<_, std::io::Error>(Response::new(()))));
    /// for (received, visit) in [("7", "7"), ("seven", "100")] {
    ///     let request = Request::builder().header("x-visit", received).body(()).unwrap();
    ///     assert_eq!(service.clone().oneshot(request).await.unwrap().headers()["x-visit"], visit);
    /// }
    /// # });
    /// # }
    /// ```
    #[must_use]
    pub fn generate<T: Send + Sync + 'static>(
        mut self,
        var: &'static ContextVar<T>,
        f: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        let others = self.generators.0.take();
        self.generators = Generators(Some(Arc::new(move || {
            if let Some(others) = &others {
                others();
            }
            if !var.is_set() {
                var.set(f());
            }
        })));
        self
    }

    /// Writes these variables into the headers of each response, if they are set, with their values at the time when
    /// the response is ready.
    ///
    /// An error that the inner service returns is not a response: put this layer outside of the one that turns errors
    /// into responses, such as axum's `HandleErrorLayer`, and of those that create responses themselves, such as
    /// `CatchPanic`.
    ///
    /// # Panics
    /// If one of them is not declared with `header = "name"`. The future of a response panics if the `Display` of a
    /// value does, or returns an error; the response is then lost.
    ///
    /// # Examples
    ///
    /// See [`generate`](Self::generate).
    #[must_use]
    pub fn echo(mut self, variables: impl IntoIterator<Item = &'static Variable>) -> Self {
        // The limit applies to incoming values only.
        self.echo = Some(Settings::new().most_bytes(usize::MAX).only(variables));
        self
    }

    /// Calls `f` for each header or member that was left out: malformed, of the wrong type, or over a limit. `f` is
    /// called in the request's context: before the service for those of the request, after it for those of the echo.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// use contextvars::context_var;
    /// use contextvars::headers::HeadersLayer;
    /// use http::{Request, Response};
    /// use tower::{Layer, ServiceExt, service_fn};
    ///
    /// #[context_var(header = "x-attempt")]
    /// static ATTEMPT: u32;
    ///
    /// # fn main() {
    /// # pollster::block_on(async {
    /// let (sender, skipped) = mpsc::channel();
    /// let layer = HeadersLayer::new().on_skipped(move |it| sender.send(it.clone()).unwrap());
    /// let service = service_fn(async |_: Request<()>| Ok::<_, std::io::Error>(Response::new(ATTEMPT.is_set())));
    /// let request = Request::builder().header("x-attempt", "first").body(()).unwrap();
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

impl<S, F: Clone> Layer<S> for ExtractLayer<F> {
    type Service = ExtractService<S, F>;

    fn layer(&self, inner: S) -> ExtractService<S, F> {
        ExtractService { inner, layer: self.clone() }
    }
}

/// A service in an [`ExtractLayer`].
///
/// # Examples
///
/// ```
/// use contextvars::context_var;
/// use contextvars::headers::{ExtractService, HeadersLayer};
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// #[context_var(header = "x-seat", default = 0)]
/// static SEAT: u32;
///
/// # fn main() {
/// # pollster::block_on(async {
/// let inner = service_fn(async |_: Request<()>| Ok::<_, std::io::Error>(Response::new(SEAT.get())));
/// let service: ExtractService<_, _> = HeadersLayer::new().layer(inner);
/// let request = Request::builder().header("x-seat", "7").body(()).unwrap();
/// assert_eq!(service.clone().oneshot(request).await.unwrap().into_body(), 7);
///
/// // The next request has a context of its own.
/// assert_eq!(service.oneshot(Request::new(())).await.unwrap().into_body(), 0);
/// # });
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ExtractService<S, F> {
    inner: S,
    layer: ExtractLayer<F>,
}

impl<S, F, B, R> Service<Request<B>> for ExtractService<S, F>
where
    S: Service<Request<B>, Response = Response<R>>,
    F: Format,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = InContext<ResponseFuture<S::Future>>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Self { inner, layer: ExtractLayer { format, generators, echo, on_skipped } } = self;
        let (mut context, skipped) = {
            let context = inherit_context();
            // In a copy: a format that sets variables where it is called would set them for the next request, too.
            context.run_copy(|| format.extract(request.headers(), context.clone()))
        };
        let future = context.run(|| {
            if let Some(generate) = &generators.0 {
                generate();
            }
            on_skipped.report(&skipped);
            inner.call(request)
        });
        InContext::with_own(ResponseFuture::new(future, echo.clone(), on_skipped.clone()), context)
    }
}
