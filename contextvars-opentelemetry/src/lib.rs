//! OpenTelemetry's context travels with context variables, and its baggage with theirs.
//!
//! OpenTelemetry keeps its current context in a thread-local, which spawned work does not have. Here a context variable
//! carries it, so it goes wherever contexts go: into tasks of `contextvars::tokio`, threads, blocking functions, jobs
//! of rayon, requests of a `ContextLayer`. Three steps:
//!
//! 1. Where a context becomes current for a piece of work, use [`in_opentelemetry`](OpenTelemetryExt::in_opentelemetry)
//!    or [`scope`] in the place of OpenTelemetry's own `with_context` and `attach`.
//! 2. In work that was started below, [`current`] is that context again. What asks OpenTelemetry itself (tracers do,
//!    for the parent of a span) finds it there with `work.in_current_opentelemetry()` around a future, and in
//!    `scope(current(), f)` around a function. Only a wrapper around the work itself can see to that: whoever enters a
//!    context of variables calls nobody, which is why it costs so little.
//! 3. Register [`BaggagePropagator`] in the place of the SDK's: the header then has the variables that are declared to
//!    travel, too. [`apply_baggage`] sets them when a request comes in.
//!
//! With the feature `sdk`, `ContextProcessor` puts variables on every span and every log record, as attributes.
//!
//! A context that is carried keeps its span from ending by itself: work that outlives the request, such as a pool's
//! connection, should be spawned detached (`contextvars::tokio::spawn_detached(work)`, or
//! `contextvars::Context::new().run(..)` around whatever starts it), or the span ended by hand.
//!
//! What carries costs no more than any other variable. A future in an OpenTelemetry context costs, at each poll, an
//! `attach` of OpenTelemetry's besides the entering of a context.
//!
//! # Examples
//!
//! ```
//! use contextvars::tokio;
//! use contextvars_opentelemetry::{OpenTelemetryExt, current, scope};
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
//!         let task = async move { assert_eq!(active_span(), request) };
//!         let task = tokio::spawn(task.in_current_opentelemetry());
//!         let function = tokio::task::spawn_blocking(move || {
//!             assert_eq!(active_span(), SpanId::INVALID); // OpenTelemetry's own knows nothing of it,
//!             scope(current(), || assert_eq!(active_span(), request)); // but it was inherited
//!         });
//!         task.await.unwrap();
//!         function.await.unwrap();
//!     };
//!     handler.in_opentelemetry(cx).await;
//!     assert_eq!(active_span(), SpanId::INVALID);
//! }
//! ```
//!
//! # Python
//! Has no counterpart: OpenTelemetry for Python keeps its context in a `ContextVar`.

#![warn(missing_docs)]
#![forbid(unsafe_code)]

mod attached;
mod carried;
mod in_opentelemetry;
#[cfg(feature = "sdk")]
mod processor;
mod propagator;

pub use self::carried::{current, scope};
pub use self::in_opentelemetry::{InOpenTelemetry, OpenTelemetryExt};
#[cfg(feature = "sdk")]
pub use self::processor::ContextProcessor;
pub use self::propagator::{BaggagePropagator, apply_baggage};
