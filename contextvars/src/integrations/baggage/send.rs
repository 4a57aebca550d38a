//! [`InjectBaggageLayer`]: a client's requests take the variables along that travel.

use std::fmt;
use std::sync::Arc;
use std::task::{self, Poll};

use http::Request;
use http::request::Parts;
use tower_layer::Layer;
use tower_service::Service;

use super::OnSkipped;
use crate::travelling::{Injector, NAME, Settings, Skipped};

/// Sends with each request what is to leave the process from the context in which the request is made: to every
/// destination, unless [`by_destination`](Self::by_destination) says otherwise.
///
/// For clients that are services of `http::Request`s, such as `hyper-util`'s. Any other, reqwest's say, is served by
/// `baggage::inject(request.headers_mut())` before the request goes out.
///
/// # Examples
///
/// ```
/// use contextvars::baggage::InjectBaggageLayer;
/// use contextvars::{context_var, with_context};
/// use http::{Request, Response};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// #[context_var(baggage = "depot")]
/// static DEPOT: u32;
///
/// # fn main() {
/// # pollster::block_on(async {
/// // In the place of a client, one that answers with the header that it would have sent.
/// let client = service_fn(async |request: Request<()>| {
///     Ok::<_, std::io::Error>(Response::new(request.headers()["baggage"].clone()))
/// });
/// let client = ServiceBuilder::new().layer(InjectBaggageLayer::new()).service(client);
/// let sent = with_context!(DEPOT = 7, async { client.oneshot(Request::new(())).await }).await;
/// assert_eq!(sent.unwrap().into_body(), "depot=7");
/// # });
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct InjectBaggageLayer {
    sends: Sends,
    on_skipped: OnSkipped,
}

/// What goes where.
#[derive(Clone)]
enum Sends {
    /// The same to all destinations.
    By(Settings),
    /// What the function says of the request; `None`: nothing.
    ByDestination(Arc<ByDestination>),
}

type ByDestination = dyn Fn(&Parts) -> Option<Settings> + Send + Sync;

impl Default for Sends {
    fn default() -> Self {
        Self::By(Settings::new())
    }
}

impl fmt::Debug for Sends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::By(settings) => settings.fmt(f),
            Self::ByDestination(_) => f.write_str("by destination"),
        }
    }
}

impl InjectBaggageLayer {
    /// Returns the layer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends baggage by other settings than the specification's, to all destinations.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.sends = Sends::By(settings);
        self
    }

    /// Sends to each destination what `f` says, given the head of the request. `None`: a header with baggage does not
    /// go there at all, not even one that was there before.
    ///
    /// Takes the place of [`settings`](Self::settings).
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::baggage::{InjectBaggageLayer, Settings};
    /// use contextvars::{context_var, with_context};
    /// use http::{Request, Response};
    /// use tower::{Layer, ServiceExt, service_fn};
    ///
    /// #[context_var(baggage = "quay")]
    /// static QUAY: u32;
    ///
    /// # fn main() {
    /// # pollster::block_on(async {
    /// let layer = InjectBaggageLayer::new().by_destination(|request| match request.uri.host()? {
    ///     "partner.example" => Some(Settings::new().variables_only()),
    ///     host if host.ends_with(".internal") => Some(Settings::new()),
    ///     _ => None,
    /// });
    /// let client = layer.layer(service_fn(async |request: Request<()>| {
    ///     Ok::<_, std::io::Error>(Response::new(request.headers().contains_key("baggage")))
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
    pub fn by_destination(mut self, f: impl Fn(&Parts) -> Option<Settings> + Send + Sync + 'static) -> Self {
        self.sends = Sends::ByDestination(Arc::new(f));
        self
    }

    /// Calls `f` for each member that was left out, because with it there would be too much.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// use contextvars::baggage::InjectBaggageLayer;
    /// use contextvars::{context_var, with_context};
    /// use http::{Request, Response};
    /// use tower::{Layer, ServiceExt, service_fn};
    ///
    /// #[context_var(baggage = "note")]
    /// static NOTE: String;
    ///
    /// # fn main() {
    /// # pollster::block_on(async {
    /// let (sender, skipped) = mpsc::channel();
    /// let layer = InjectBaggageLayer::new().on_skipped(move |it| sender.send(it.clone()).unwrap());
    /// let client = service_fn(async |request: Request<()>| {
    ///     Ok::<_, std::io::Error>(Response::new(request.headers().contains_key("baggage")))
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

impl<S> Layer<S> for InjectBaggageLayer {
    type Service = InjectBaggage<S>;

    fn layer(&self, inner: S) -> InjectBaggage<S> {
        InjectBaggage { inner, sends: self.sends.clone(), on_skipped: self.on_skipped.clone() }
    }
}

/// What [`InjectBaggageLayer`] makes of a client.
///
/// # Examples
///
/// ```
/// use contextvars::baggage::{InjectBaggage, InjectBaggageLayer};
/// use contextvars::{context_var, with_context};
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// #[context_var(baggage = "region")]
/// static REGION: String;
///
/// # fn main() {
/// # pollster::block_on(async {
/// let inner = service_fn(async |request: Request<()>| {
///     Ok::<_, std::io::Error>(Response::new(request.headers().get("baggage").cloned()))
/// });
/// let client: InjectBaggage<_> = InjectBaggageLayer::new().layer(inner);
/// let sent = with_context!(REGION = "eu".to_owned(), async { client.clone().oneshot(Request::new(())).await }).await;
/// assert_eq!(sent.unwrap().into_body().unwrap(), "region=eu");
///
/// let sent = client.oneshot(Request::new(())).await;
/// assert_eq!(sent.unwrap().into_body(), None);
/// # });
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct InjectBaggage<S> {
    inner: S,
    sends: Sends,
    on_skipped: OnSkipped,
}

impl<S, B> Service<Request<B>> for InjectBaggage<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        let (mut head, body) = request.into_parts();
        let settings = match &self.sends {
            Sends::By(settings) => Some(*settings),
            Sends::ByDestination(f) => f(&head),
        };
        match settings {
            Some(settings) => self.on_skipped.report(&settings.inject(&mut head.headers)),
            None => head.headers.set(NAME, None),
        }
        self.inner.call(Request::from_parts(head, body))
    }
}
