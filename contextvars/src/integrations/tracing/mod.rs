//! tracing: context variables in every event's output, and log levels that a variable decides.
//!
//! [`ContextFormat`] goes around one of `tracing-subscriber`'s formats, and the lines that it writes have the variables
//! that are declared with `log`. No call to `info!` changes. [`ContextFilter`] goes around a filter, and lets through
//! more for the work in which a variable says so: debug output of one request, among thousands at info.
//!
//! # Examples
//!
//! ```
//! use contextvars::tracing::{ContextFilter, ContextFormat};
//! use contextvars::{context_var, with_context};
//! use tracing::level_filters::LevelFilter;
//! use tracing_subscriber::{fmt, prelude::*};
//!
//! #[context_var(log)]
//! static REQUEST_ID: u64;
//! #[context_var]
//! static VERBOSITY: LevelFilter;
//!
//! # fn main() {
//! let lines = fmt::layer()
//!     .map_event_format(ContextFormat::line)
//!     .with_filter(ContextFilter::new(LevelFilter::INFO, &VERBOSITY));
//! let subscriber = tracing_subscriber::registry().with(lines); // to be followed by `.init()`
//! # let _default = subscriber.set_default();
//!
//! with_context!(REQUEST_ID = 7, {
//!     tracing::info!("accepted"); // 2026-01-01T12:00:00.000000Z  INFO shop: accepted REQUEST_ID=7
//!     tracing::debug!("not of interest");
//! });
//! with_context!(REQUEST_ID = 8, VERBOSITY = LevelFilter::DEBUG, {
//!     tracing::debug!("looked up"); // 2026-01-01T12:00:00.000000Z DEBUG shop: looked up REQUEST_ID=8
//! });
//! # }
//! ```

mod filter;
mod format;

pub use self::filter::ContextFilter;
pub use self::format::ContextFormat;
