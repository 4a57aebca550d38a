//! OpenTelemetry's context goes wherever context variables go, and its baggage travels with theirs.
//!
//! OpenTelemetry keeps its current context in a thread-local, which spawned work does not have. Two steps:
//!
//! 1. Call [`carry`] at the top of `main`. From then on `Context::current()` is, in tasks of `contextvars::tokio`,
//!    threads, blocking functions, jobs of rayon and requests of a `ContextLayer`, the context that was attached where
//!    they were started. Tracers find the parent of a span there. Contexts are attached by OpenTelemetry's own
//!    `attach`, `with_context` and `in_span`.
//! 2. Register [`BaggagePropagator`] instead of the SDK's: the header then has the variables that are declared to
//!    travel, too. [`apply_baggage`] sets them when a request comes in.
//!
//! With the feature `sdk`, `ContextProcessor` puts variables on every span and every log record, as attributes.
//!
//! A child keeps its parent's span from ending by itself: work that outlives the request, such as a pool's connection,
//! is to be spawned detached (`contextvars::tokio::spawn_detached(work)`, or `contextvars::carry::suppressed(..)`
//! around the call that starts it), or the span ended by hand.
//!
//! `future.with_context(cx)` of OpenTelemetry attaches `cx` at each poll, not when the future is dropped halfway. Work
//! that was spawned while `cx` was attached is dropped in it, too.
//!
//! # Examples
//!
//! ```
//! use contextvars::tokio;
//! use opentelemetry::Context;
//! use opentelemetry::trace::{FutureExt, SpanId, TraceContextExt, Tracer, TracerProvider};
//! use opentelemetry_sdk::trace::SdkTracerProvider;
//!
//! fn active_span() -> SpanId {
//!     Context::current().span().span_context().span_id()
//! }
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() {
//!     contextvars_opentelemetry::carry();
//!     let tracer = SdkTracerProvider::builder().build().tracer("example");
//!     let cx = Context::new().with_span(tracer.start("request"));
//!     let request = cx.span().span_context().span_id();
//!
//!     let handler = async move {
//!         let task = tokio::spawn(async { active_span() });
//!         assert_eq!(task.await.unwrap(), request);
//!         let function = tokio::task::spawn_blocking(active_span);
//!         assert_eq!(function.await.unwrap(), request);
//!         let detached = tokio::spawn_detached(async { active_span() });
//!         assert_eq!(detached.await.unwrap(), SpanId::INVALID);
//!     };
//!     handler.with_context(cx).await;
//! }
//! ```

#![warn(missing_docs)]
#![forbid(unsafe_code)]

mod carry;
#[cfg(feature = "sdk")]
mod processor;
mod propagator;

pub use self::carry::carry;
#[cfg(feature = "sdk")]
pub use self::processor::ContextProcessor;
pub use self::propagator::{BaggagePropagator, apply_baggage};
