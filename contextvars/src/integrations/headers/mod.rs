//! Variables in headers of requests: a header for each variable that is declared with `header = "name"`, and the layers
//! for headers of any format.
//!
//! [`HeadersLayer`] sets the variables from the headers of a request, and [`InjectHeadersLayer`] sends those that are
//! set in the context in which a request is made. Servers and clients that are not made of `tower` services call
//! [`extract`], [`inject`] and [`current`]. The type of a variable must be `Display`, to be written, and `FromStr`, to
//! be read; or `Arc<str>`, `Box<str>`, `Cow<'static, str>`; or an `Arc` or `Box` of the former, or an `Option` of any
//! of them, of which `None` is not sent.
//!
//! Other formats are implementations of [`Format`], such as W3C baggage in the feature `baggage`. A variable may be
//! declared with `header` and with `baggage`: then it is sent in both. Of two incoming values, that of the format read
//! last is used: of the inner layer, or of the second in a pair.
//!
//! # What is accepted, and what is sent
//! A header sets its variable if it was received once, with a value that can be read as the variable's type, is within
//! the [limit](Settings::most_bytes), and consists of printable ASCII. Spaces and tabs around the value are ignored.
//! Any other header of a variable is left out and reported as [`Skipped`], an empty one too.
//!
//! An outgoing value must be printable ASCII as well, not empty and without spaces at its ends; otherwise it is not
//! sent, which is reported. Other text can be sent as `baggage`, which encodes it. Headers of declared variables that
//! the request already has are replaced, or removed if the variable is not set: only the context determines them. Names
//! of headers that describe one connection or one message, and of those with credentials, such as `connection`,
//! `content-length`, `authorization` and `cookie`, do not compile.
//!
//! # Where it is sent
//! By default to each destination; [`InjectLayer::by_destination`] decides for each request.
//!
//! # Two variables with one header
//! A header should have one variable. If several variables share a header, an incoming one sets all of them. Of those
//! that are set, the one is sent whose module's path comes first in alphabetical order, and within a module the one
//! declared first. When headers are read or written for the first time in a process, a warning that names both
//! declarations is written to the standard error stream.
//!
//! # Trust
//! A client can send any value. For requests from the public, list the variables that you accept with
//! [`Settings::only`]: dependencies may declare others. And give a variable a type that accepts only the text that you
//! expect, such as `uuid::Uuid`: a `String` accepts any text, which then reaches log lines and other services.
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
//!     // The headers of a request that is made here.
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
pub use crate::propagation::own::{Settings, extract, inject};
pub use crate::propagation::{Extractor, Format, Injector, Skipped};

/// The layer for servers: sets the variables declared with `header = "name"` from the headers of each request.
///
/// # Examples
///
/// See [`headers`](self#examples).
pub type HeadersLayer = ExtractLayer<Settings>;

/// The layer for clients: sends the variables declared with `header = "name"` with each request.
///
/// # Examples
///
/// See [`InjectLayer`].
pub type InjectHeadersLayer = InjectLayer<Settings>;

/// The function that is called for headers and members that were left out.
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
