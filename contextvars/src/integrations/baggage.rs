//! W3C baggage: variables that travel to other processes, in a header of the requests that go there.
//!
//! A variable travels if its declaration says so, with `baggage = "key"`; every other stays in this process. Its type
//! has to be `Display`, to be written, and `FromStr`, to be read; or `Arc<str>`, `Box<str>`, `Cow<'static, str>`; or an
//! `Arc` or `Box` of the former, or an `Option` of any of them, of which `None` is not sent. [`inject`] writes the header
//! of a request that goes out, [`extract`] reads that of one that came in. For clients and servers made of `tower`
//! services there are [`InjectBaggageLayer`] and [`BaggageLayer`].
//!
//! Members without a variable in this process go on to the next service. So does a member whose variable was not changed,
//! properties included.
//!
//! # What is accepted, and what is sent
//! What comes in is read leniently. White space around keys, values and properties is ignored, and so are empty members
//! and properties; a character that should have been percent-encoded stands for itself, a `%` without two digits as well;
//! bytes that are not UTF-8 become U+FFFD. Of several members with one key, in one header or several, the last counts,
//! and the others are dropped.
//!
//! What goes out is as the specification has it: encoded, without white space, one member for each key. What came in
//! encoded keeps its encoding.
//!
//! A member without `=`, or whose key cannot stand in a header, is left out, and so is a value that cannot be read as one
//! of its variable's type, a property with a wrong key, and what does not fit within the limits: each is reported as
//! [`Skipped`], the first 64 of a header. The limits are 64 members and 8,192 bytes, encoded, which is what the specification says must be passed
//! on at least; [`Settings`] have others. If not everything fits that goes out, variables come first.
//!
//! # Where it is sent
//! By default to each destination; a `baggage` header that was there before is replaced, and removed if nothing is to be
//! sent. [`by_destination`](InjectLayer::by_destination) decides for each request whether baggage goes
//! along, and whether what merely passes through does; for other clients, [`Settings::inject`] writes less than
//! [`inject`], and where nothing is to be sent nothing is called.
//!
//! # Two variables with one key
//! A key should have one variable. If several have the same, what comes in sets all of them; of those that are set, the
//! one goes out whose module's path is the first in alphabetical order, and in one module the one that is declared first.
//! When baggage is read or written for the first time in a process, a warning goes to the standard error stream that
//! names both declarations.
//!
//! # Trust
//! Whoever can send a request can send any value. Let baggage in only where requests come from services of your own; at
//! the edge to the world, leave the layer out, or check what a variable says before it counts. Whoever receives a request
//! can read all of its baggage.
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
pub use crate::travelling::baggage::{Baggage, Member, Members, NAME, Settings, extract, inject};
pub use crate::travelling::{Extractor, Injector, Skipped};

/// The layer for servers whose requests come with baggage.
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

/// The layer for clients whose requests take baggage along.
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
/// // A client that answers with the header that it would have sent.
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
