//! W3C baggage: variables that are sent to other processes, in one header of each request.
//!
//! A variable is sent if it is declared with `baggage = "key"`; all others stay in this process. Its type must be
//! `Display`, to be written, and `FromStr`, to be read; or `Arc<str>`, `Box<str>`, `Cow<'static, str>`; or an `Arc` or
//! `Box` of the former, or an `Option` of any of them, of which `None` is not sent. [`inject`] writes the header of an
//! outgoing request, [`extract`] reads that of an incoming one. For clients and servers made of `tower` services there
//! are [`InjectBaggageLayer`] and [`BaggageLayer`].
//!
//! Members without a variable in this process are forwarded unchanged. So is a member whose variable was not changed,
//! with its properties.
//!
//! # What is accepted, and what is sent
//! Incoming headers are read leniently. White space around keys, values and properties is ignored, and so are empty
//! members and properties; a character that should have been percent-encoded stands for itself, and so does a `%`
//! without two digits; bytes that are not UTF-8 become U+FFFD. Of several members with one key, in one header or
//! several, the last is used and the others are dropped.
//!
//! Outgoing headers follow the specification: encoded, without white space, one member for each key. A value that was
//! received encoded keeps its encoding.
//!
//! Left out are: a member without `=`, or whose key is not allowed in a header; a value that cannot be read as its
//! variable's type; a property with a wrong key; and members beyond the limits. Each is reported as [`Skipped`], the
//! first 64 of a header. The limits are 64 members and 8,192 bytes, encoded, the minimum that the specification
//! requires to be forwarded; [`Settings`] can set others. If not all outgoing members fit, variables come first.
//!
//! # Where it is sent
//! By default to each destination; a `baggage` header that the request already has is replaced, or removed if there is
//! nothing to send. [`by_destination`](InjectLayer::by_destination) decides for each request whether baggage is sent,
//! and whether received members without a variable are. For other clients, [`Settings::inject`] can write less than
//! [`inject`]; to send nothing, call neither.
//!
//! # Two variables with one key
//! A key should have one variable. If several variables share a key, an incoming member sets all of them. Of those that
//! are set, the one is sent whose module's path comes first in alphabetical order, and within a module the one declared
//! first. When baggage is read or written for the first time in a process, a warning that names both declarations is
//! written to the standard error stream.
//!
//! # Trust
//! A client can send any value. Accept baggage only from your own services; for requests from the public, leave the
//! layer out, or name the variables that are accepted, with [`Settings::only`], and check their values before you rely
//! on them. The receiver of a request can read all of its baggage.
//!
//! # Examples
//!
//! ```
//! use contextvars::{Context, baggage, context_var, copy_context, with_context};
//! use http::HeaderMap;
//!
//! #[context_var(baggage = "tenant")]
//! static TENANT: String;
//! #[context_var]
//! static PASSWORD: String;
//!
//! # fn main() {
//! let mut headers = HeaderMap::new();
//! with_context!(TENANT = "Röd & Co".to_owned(), PASSWORD = "hunter2".to_owned(), {
//!     baggage::inject(&mut headers);
//! });
//! assert_eq!(headers["baggage"], "tenant=R%C3%B6d%20&%20Co");
//!
//! // In another process:
//! let (ctx, skipped) = baggage::extract(&headers, Context::new());
//! assert_eq!(ctx[&TENANT], "Röd & Co");
//! assert!(!ctx.contains(&PASSWORD) && skipped.is_empty());
//! # }
//! ```
//!
//! The specification: <https://www.w3.org/TR/baggage/>.

use crate::integrations::headers::{ExtractLayer, ExtractService, InjectLayer, InjectService};
pub use crate::propagation::baggage::{Baggage, Member, Members, NAME, Settings, extract, inject};
pub use crate::propagation::{Extractor, Injector, Skipped};

/// The layer for servers: sets the variables from the baggage of each request.
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
pub type BaggageLayer = ExtractLayer<Settings>;

/// A service in a [`BaggageLayer`].
pub type BaggageService<S> = ExtractService<S, Settings>;

/// The layer for clients: sends the variables as baggage with each request.
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
/// // A client that returns the header that it would have sent.
/// let client = service_fn(async |request: Request<()>| {
///     Ok::<_, std::io::Error>(Response::new(request.headers()["baggage"].clone()))
/// });
/// let client = ServiceBuilder::new().layer(InjectBaggageLayer::new()).service(client);
/// let sent = with_context!(DEPOT = 7, async { client.oneshot(Request::new(())).await }).await;
/// assert_eq!(sent.unwrap().into_body(), "depot=7");
/// # });
/// # }
/// ```
pub type InjectBaggageLayer = InjectLayer<Settings>;

/// A client in an [`InjectBaggageLayer`].
pub type InjectBaggage<S> = InjectService<S, Settings>;
