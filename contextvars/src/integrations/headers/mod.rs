//! Variables in headers of requests: a header for each variable that is declared with `header = "name"`, and the layers
//! for headers of any format.
//!
//! [`HeadersLayer`] sets the variables that came with a request, and [`InjectHeadersLayer`] sends along those that are
//! set where a request is made. Servers and clients that are not made of `tower` services call [`extract`], [`inject`]
//! and [`current`]. The type of a variable has to be `Display`, to be written, and `FromStr`, to be read; or
//! `Arc<str>`, `Box<str>`, `Cow<'static, str>`; or an `Arc` or `Box` of the former, or an `Option` of any of them, of
//! which `None` is not sent.
//!
//! Other formats are other implementations of [`Format`]; W3C baggage, in the feature `baggage`, is one. A variable may
//! be declared with `header` and with `baggage`: it goes out in both, and of what comes in the format that is read last
//! wins, which is that of the inner layer, or the second of a pair.
//!
//! # What is accepted, and what is sent
//! A header stands for its variable if it came once, with a value that can be read as one of the variable's type, is
//! within the [limit](Settings::most_bytes), and consists of printable ASCII. White space around the value is ignored.
//! Everything else is left out and reported as [`Skipped`].
//!
//! What goes out has to be printable ASCII as well, without white space at its ends, or it is not sent, which is
//! reported. A text of another kind can be sent as `baggage`, which encodes it. Headers of declared variables that were
//! in the request before are replaced, or removed where the variable is not set: only the context decides. Names that
//! are about one connection or one message, and those with credentials, as `connection`, `content-length`,
//! `authorization` and `cookie`, do not compile.
//!
//! # Where it is sent
//! By default to each destination; [`InjectLayer::by_destination`] decides for each request.
//!
//! # Two variables with one header
//! A header should have one variable. If several have the same, what comes in sets all of them; of those that are set,
//! the one goes out whose module's path is the first in alphabetical order, and in one module the one that is declared
//! first. When headers are read or written for the first time in a process, a warning goes to the standard error stream
//! that names both declarations.
//!
//! # Trust
//! A client can send any value. At the edge to the world, name the variables that may come in, with [`Settings::only`]:
//! dependencies may declare others. And give a variable a type that can be read from nothing but what you expect, as
//! `uuid::Uuid`: a `String` accepts any text, and log lines and other services get it.
//!
//! # Examples
//!
//! ```
//! use contextvars::headers::{HeadersLayer, Settings};
//! use contextvars::{context_var, headers};
//! use http::{HeaderMap, Request, Response};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! #[context_var(header = "x-request-id")]
//! static REQUEST_ID: u64;
//!
//! async fn handle(_: Request<()>) -> Result<Response<HeaderMap>, std::io::Error> {
//!     // What would go along with a request that is made here.
//!     Ok(Response::new(headers::current(&Settings::new()).0))
//! }
//!
//! # fn main() {
//! # pollster::block_on(async {
//! let layer = HeadersLayer::of(Settings::new().only([REQUEST_ID.variable()]))
//!     .generate(&REQUEST_ID, || 8)
//!     .echo([REQUEST_ID.variable()]);
//! let service = layer.layer(service_fn(handle));
//! let with_id = Request::builder().header("x-request-id", "7").body(()).unwrap();
//! for (request, id) in [(with_id, "7"), (Request::new(()), "8")] {
//!     let response = service.clone().oneshot(request).await.unwrap();
//!     assert_eq!(response.headers()["x-request-id"], id);
//!     assert_eq!(response.body()["x-request-id"], id);
//! }
//! # });
//! # }
//! ```

mod header_map;
mod receive;
mod respond;
mod send;

use std::fmt;
use std::sync::Arc;

pub use self::header_map::current;
pub use self::receive::{ExtractLayer, ExtractService};
pub use self::respond::ResponseFuture;
pub use self::send::{InjectLayer, InjectService};
pub use crate::travelling::own::{Settings, extract, inject};
pub use crate::travelling::{Extractor, Format, Injector, Skipped};

/// The layer for servers whose requests come with variables that are declared with `header = "name"`.
///
/// # Examples
///
/// See [`headers`](self#examples).
pub type HeadersLayer = ExtractLayer<Settings>;

/// The layer for clients whose requests take along the variables that are declared with `header = "name"`.
///
/// # Examples
///
/// See [`InjectLayer`].
pub type InjectHeadersLayer = InjectLayer<Settings>;

/// What to do about headers and members that were left out.
#[derive(Clone, Default)]
struct OnSkipped(Option<Arc<Report>>);

type Report = dyn Fn(&Skipped) + Send + Sync;

impl OnSkipped {
    fn new(f: impl Fn(&Skipped) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(f)))
    }

    fn report(&self, skipped: &[Skipped]) {
        if let Some(f) = &self.0 {
            skipped.iter().for_each(&**f);
        }
    }
}

impl fmt::Debug for OnSkipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "a function" } else { "nothing" })
    }
}
