//! [`InjectLayer`]: sends variables with the requests of a client.

use std::fmt;
use std::sync::Arc;
use std::task::{self, Poll};

use http::Request;
use http::request::Parts;
use tower_layer::Layer;
use tower_service::Service;

use super::OnSkipped;
use crate::propagation::{Format, Skipped};

/// Sends with each request the variables of the context in which the request is made: to every destination, unless
/// [`by_destination`](Self::by_destination) decides otherwise.
///
/// For clients that are services of `http::Request`s, such as `hyper-util`'s; for others there is
/// [`current`](super::current). `InjectHeadersLayer` is this layer for [`headers::Settings`](crate::headers::Settings),
/// `baggage::InjectBaggageLayer` for baggage. Put a layer that follows redirects outside of this one, so that each
/// redirected request is decided on separately.
///
/// # Tasks in between
/// A service that calls the next one in another task, as `tower::buffer::Buffer` does, belongs inside of this layer.
/// With this layer inside of it, headers are written where the caller's context is not current: no variable is sent,
/// and headers of variables that were set by hand are removed.
///
/// # Examples
///
/// ```
/// use contextvars::headers::InjectHeadersLayer;
/// use contextvars::{context_var, with_context};
/// use http::{Request, Response};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// #[context_var(header = "x-depot")]
/// static DEPOT: u32;
///
/// # fn main() {
/// # pollster::block_on(async {
/// // A client that returns the header that it would have sent.
/// let client = service_fn(async |request: Request<()>| {
///     Ok::<_, std::io::Error>(Response::new(request.headers()["x-depot"].clone()))
/// });
/// let client = ServiceBuilder::new().layer(InjectHeadersLayer::new()).service(client);
/// let sent = with_context!(DEPOT = 7, async { client.oneshot(Request::new(())).await }).await;
/// assert_eq!(sent.unwrap().into_body(), "7");
/// # });
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct InjectLayer<F> {
    sends: Sends<F>,
    on_skipped: OnSkipped,
}

/// The settings by destination.
#[derive(Clone)]
enum Sends<F> {
    /// The same to all destinations.
    By(F),
    /// The result of the function for the request, where `None` means to send nothing.
    ByDestination {
        settings: Arc<ByDestination<F>>,
        /// The format whose headers are removed for destinations to which nothing is sent.
        format: F,
    },
}

type ByDestination<F> = dyn Fn(&Parts) -> Option<F> + Send + Sync;

impl<F: Default> Default for Sends<F> {
    fn default() -> Self {
        Self::By(F::default())
    }
}

impl<F: fmt::Debug> fmt::Debug for Sends<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::By(settings) => settings.fmt(f),
            Self::ByDestination { .. } => f.write_str("by destination"),
        }
    }
}

impl<F: Format + Default> InjectLayer<F> {
    /// Returns the layer with the default settings of the format.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<F: Format> InjectLayer<F> {
    /// Returns the layer for this format, or with these settings of a format, for all destinations.
    #[must_use]
    pub fn of(format: F) -> Self {
        Self { sends: Sends::By(format), on_skipped: OnSkipped::default() }
    }

    /// Sends to each destination by the settings that `f` returns for the head of the request. If it returns `None`, no
    /// headers of this format are sent, and existing ones are removed.
    ///
    /// `f` is called where the request is made, in the current context. The settings that the layer was created with
    /// are not used then.
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::headers::{InjectHeadersLayer, Settings};
    /// use contextvars::{context_var, with_context};
    /// use http::{Request, Response};
    /// use tower::{Layer, ServiceExt, service_fn};
    ///
    /// #[context_var(header = "x-quay")]
    /// static QUAY: u32;
    ///
    /// # fn main() {
    /// # pollster::block_on(async {
    /// let for_partners = Settings::new().only([QUAY.variable()]);
    /// let layer = InjectHeadersLayer::new().by_destination(move |request| match request.uri.host()? {
    ///     "partner.example" => Some(for_partners.clone()),
    ///     host if host.ends_with(".internal") => Some(Settings::new()),
    ///     _ => None,
    /// });
    /// let client = layer.layer(service_fn(async |request: Request<()>| {
    ///     Ok::<_, std::io::Error>(Response::new(request.headers().contains_key("x-quay")))
    /// }));
    /// for (uri, is_sent) in [("http://stock.internal/", true), ("http://elsewhere.example/", false)] {
    ///     let request = Request::get(uri).body(()).unwrap();
    ///     let sent = with_context!(QUAY = 7, async { client.clone().oneshot(request).await });
    ///     assert_eq!(sent.await.unwrap().into_body(), is_sent);
    /// }
    /// # });
    /// # }
    /// ```
    #[must_use]
    pub fn by_destination(mut self, f: impl Fn(&Parts) -> Option<F> + Send + Sync + 'static) -> Self {
        let (Sends::By(format) | Sends::ByDestination { format, .. }) = self.sends;
        self.sends = Sends::ByDestination { settings: Arc::new(f), format };
        self
    }

    /// Calls `f` for each header or member that was left out: over a limit, or with characters that are not allowed in
    /// a header. `f` is called where the request is made, in the current context.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// use contextvars::headers::InjectHeadersLayer;
    /// use contextvars::{context_var, with_context};
    /// use http::{Request, Response};
    /// use tower::{Layer, ServiceExt, service_fn};
    ///
    /// #[context_var(header = "x-note")]
    /// static NOTE: String;
    ///
    /// # fn main() {
    /// # pollster::block_on(async {
    /// let (sender, skipped) = mpsc::channel();
    /// let layer = InjectHeadersLayer::new().on_skipped(move |it| sender.send(it.clone()).unwrap());
    /// let client = service_fn(async |request: Request<()>| {
    ///     Ok::<_, std::io::Error>(Response::new(request.headers().contains_key("x-note")))
    /// });
    /// let client = layer.layer(client);
    /// let sent = with_context!(NOTE = "x".repeat(10_000), async { client.oneshot(Request::new(())).await });
    /// assert!(!sent.await.unwrap().into_body());
    /// assert!(skipped.try_recv().unwrap().is_over_limit());
    /// # });
    /// # }
    /// ```
    #[must_use]
    pub fn on_skipped(mut self, f: impl Fn(&Skipped) + Send + Sync + 'static) -> Self {
        self.on_skipped = OnSkipped::new(f);
        self
    }
}

impl<S, F: Clone> Layer<S> for InjectLayer<F> {
    type Service = InjectService<S, F>;

    fn layer(&self, inner: S) -> InjectService<S, F> {
        InjectService { inner, layer: self.clone() }
    }
}

/// A client in an [`InjectLayer`].
///
/// # Examples
///
/// ```
/// use contextvars::headers::{InjectHeadersLayer, InjectService};
/// use contextvars::{context_var, with_context};
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// #[context_var(header = "x-region")]
/// static REGION: String;
///
/// # fn main() {
/// # pollster::block_on(async {
/// let inner = service_fn(async |request: Request<()>| {
///     Ok::<_, std::io::Error>(Response::new(request.headers().get("x-region").cloned()))
/// });
/// let client: InjectService<_, _> = InjectHeadersLayer::new().layer(inner);
/// let sent = with_context!(REGION = "eu".to_owned(), async { client.clone().oneshot(Request::new(())).await }).await;
/// assert_eq!(sent.unwrap().into_body().unwrap(), "eu");
///
/// let sent = client.oneshot(Request::new(())).await;
/// assert_eq!(sent.unwrap().into_body(), None);
/// # });
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct InjectService<S, F> {
    inner: S,
    layer: InjectLayer<F>,
}

impl<S, F, B> Service<Request<B>> for InjectService<S, F>
where
    S: Service<Request<B>>,
    F: Format,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        let (mut head, body) = request.into_parts();
        let InjectLayer { sends, on_skipped } = &self.layer;
        let skipped = match sends {
            Sends::By(settings) => settings.inject(&mut head.headers),
            Sends::ByDestination { settings, format } => {
                let settings = settings(&head);
                // Existing headers that the settings do not write are removed, too.
                format.remove(&mut head.headers);
                settings.map_or_else(Vec::new, |settings| settings.inject(&mut head.headers))
            }
        };
        on_skipped.report(&skipped);
        self.inner.call(Request::from_parts(head, body))
    }
}
