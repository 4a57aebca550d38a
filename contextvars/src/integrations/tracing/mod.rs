//! tracing: context variables in the output of every event, and log levels set by a variable.
//!
//! [`ContextFormat`] wraps one of `tracing-subscriber`'s formats and adds the variables that are declared with `log` to
//! its lines. No call to `info!` changes. [`ContextFilter`] wraps a filter and enables more verbose events for the work
//! in which a variable is set: debug output of one request, among thousands at info. [`ContextFields`] records
//! variables in fields that spans declare, for layers that export spans.
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
//! # #[derive(Clone, Default)]
//! # struct Output(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
//! # impl Output {
//! #     fn text(&self) -> String { String::from_utf8(self.0.lock().unwrap().clone()).unwrap() }
//! # }
//! # impl std::io::Write for Output {
//! #     fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> { self.0.lock().unwrap().write(bytes) }
//! #     fn flush(&mut self) -> std::io::Result<()> { Ok(()) }
//! # }
//! # fn main() {
//! # let output = Output::default();
//! # let writer = output.clone();
//! let lines = fmt::layer().without_time().with_ansi(false).with_target(false).map_event_format(ContextFormat::line);
//! # let lines = lines.with_writer(move || writer.clone());
//! let lines = lines.with_filter(ContextFilter::new(LevelFilter::INFO, &VERBOSITY));
//! let subscriber = tracing_subscriber::registry().with(lines); // then call `.init()`
//! # let _default = subscriber.set_default();
//!
//! with_context!(REQUEST_ID = 7, {
//!     tracing::info!("accepted");
//!     tracing::debug!("not of interest");
//! });
//! with_context!(REQUEST_ID = 8, VERBOSITY = LevelFilter::DEBUG, { tracing::debug!("looked up") });
//! assert_eq!(output.text(), " INFO accepted REQUEST_ID=7\nDEBUG looked up REQUEST_ID=8\n");
//! # }
//! ```

mod buffer;
mod carried;
mod fields;
mod filter;
mod format;
mod json;
mod shape;
mod warning;

pub use self::carried::carry_spans;
pub use self::fields::ContextFields;
pub use self::filter::ContextFilter;
pub use self::format::ContextFormat;
