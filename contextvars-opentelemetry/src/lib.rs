//! OpenTelemetry's context travels with context variables, and its baggage with theirs.
//!
//! OpenTelemetry keeps its current context in a thread-local, which spawned work does not have. Here a context variable
//! carries it, so it goes wherever contexts go: into tasks of `contextvars::tokio`, threads, blocking functions, jobs of
//! rayon, requests of a `ContextLayer`. Three steps:
//!
//! 1. Where a context becomes current for a piece of work, use [`in_opentelemetry`](OpenTelemetryExt::in_opentelemetry) or
//!    [`scope`] in the place of OpenTelemetry's own `with_context` and `attach`.
//! 2. In work that was started below, [`current`] is that context again, and [`attach`] makes it OpenTelemetry's own, for
//!    libraries that ask there.
//! 3. Register [`BaggagePropagator`] in the place of the SDK's: the header then has the variables that are declared to
//!    travel, too.
//!
//! # Examples
//!
//! ```
//! use contextvars::tokio;
//! use contextvars_opentelemetry::{OpenTelemetryExt, attach};
//! use opentelemetry::trace::{SpanId, TraceContextExt, Tracer, TracerProvider};
//! use opentelemetry::Context;
//! use opentelemetry_sdk::trace::SdkTracerProvider;
//!
//! fn active_span() -> SpanId {
//!     Context::current().span().span_context().span_id()
//! }
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() {
//!     let tracer = SdkTracerProvider::builder().build().tracer("example");
//!     let cx = Context::new().with_span(tracer.start("request"));
//!     let request = cx.span().span_context().span_id();
//!
//!     let handler = async move {
//!         assert_eq!(active_span(), request);
//!         let task = tokio::spawn(async move {
//!             let task = async move { assert_eq!(active_span(), request) };
//!             task.in_current_opentelemetry().await; // the request's, though this task was spawned
//!         });
//!         let function = tokio::task::spawn_blocking(move || {
//!             let _attached = attach();
//!             assert_eq!(active_span(), request);
//!         });
//!         task.await.unwrap();
//!         function.await.unwrap();
//!     };
//!     handler.in_opentelemetry(cx).await;
//!     assert_eq!(active_span(), SpanId::INVALID);
//! }
//! ```

#![warn(missing_docs)]
#![forbid(unsafe_code)]

mod carried;
mod in_opentelemetry;
mod propagator;

pub use self::carried::{attach, current, scope};
pub use self::in_opentelemetry::{InOpenTelemetry, OpenTelemetryExt};
pub use self::propagator::{BaggagePropagator, apply_baggage};
