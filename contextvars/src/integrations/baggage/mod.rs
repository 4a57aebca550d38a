//! W3C baggage: variables that travel to other processes, in a header of the requests that go there.
//!
//! A variable travels if its declaration says so, with `baggage = "key"`; every other stays in this process. Its type
//! has to be `Display`, to be written, and `FromStr`, to be read. [`inject`] writes the header of a request that goes
//! out, [`extract`] reads that of one that came in. For clients and servers made of `tower` services there are
//! [`InjectBaggageLayer`] and [`BaggageLayer`].
//!
//! Members that no variable here stands for go on to the next service as they came. So does a member whose variable was
//! not changed, properties included. What cannot be read, and what does not fit within the specification's limits (64
//! members, 8,192 bytes), is left out, member by member, and reported as [`Skipped`].
//!
//! A key should have one variable. Two that share one are both set by what comes in, and one of those that are set goes
//! out.
//!
//! # Trust
//! Whoever can send a request can send any value. Let baggage in only where requests come from services of your own; at
//! the edge to the world, leave the layer out, or check what a variable says before it counts.
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
//!
//! # Python
//! Has no counterpart: a context does not leave its process.

mod header_map;
mod receive;
mod send;

use std::fmt;
use std::sync::Arc;

pub use self::receive::{BaggageLayer, BaggageService};
pub use self::send::{InjectBaggage, InjectBaggageLayer};
pub use crate::travelling::{Baggage, Extractor, Injector, Member, Skipped, extract, inject};

/// What to do about members that were left out.
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
