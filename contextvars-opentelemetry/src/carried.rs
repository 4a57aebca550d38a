//! The OpenTelemetry context that our contexts carry.

use contextvars::{context_var, copy_context, with_context};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, ContextGuard};

/// What [`scope`] and `in_opentelemetry` set, and everything below inherits.
#[context_var]
static OPENTELEMETRY: Context;

/// Returns OpenTelemetry's current context, or the one that the current work inherited.
///
/// OpenTelemetry's own counts if it has an active span or baggage: then somebody attached it on this thread, for this work.
///
/// # Examples
///
/// ```
/// use contextvars::thread;
/// use contextvars_opentelemetry::{current, scope};
/// use opentelemetry::baggage::BaggageExt;
/// use opentelemetry::{Context, KeyValue};
///
/// let cx = Context::new().with_baggage([KeyValue::new("tenant", "acme")]);
/// let inherited = scope(cx, || thread::spawn(current)).join().unwrap();
/// assert_eq!(inherited.baggage().get("tenant").unwrap().as_str(), "acme");
/// ```
#[must_use]
pub fn current() -> Context {
    let attached = Context::current();
    if attached.has_active_span() || !attached.baggage().is_empty() {
        return attached;
    }
    OPENTELEMETRY.get_or(attached)
}

/// Makes [`current`]'s context OpenTelemetry's current one on this thread, until the guard is dropped.
///
/// For synchronous work that inherited a context: a thread, a blocking function, a job. Not across an `.await`, where other
/// tasks would see it: there, use [`in_current_opentelemetry`](crate::OpenTelemetryExt::in_current_opentelemetry).
#[must_use = "the context is current until the guard is dropped"]
pub fn attach() -> ContextGuard {
    current().attach()
}

/// Runs `f` with `cx` for OpenTelemetry's current context, which work that is started in `f` inherits.
///
/// `f` runs in a copy of the current context: what it sets in variables stays in there.
pub fn scope<R>(cx: Context, f: impl FnOnce() -> R) -> R {
    with_context!(OPENTELEMETRY = cx.clone(), {
        let _attached = cx.attach();
        f()
    })
}

/// A copy of the current context that carries `cx`.
pub(crate) fn carrying(cx: Context) -> contextvars::Context {
    copy_context().with(&OPENTELEMETRY, cx)
}
