//! The OpenTelemetry context that our contexts carry.

use contextvars::{context_var, copy_context};
use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::TraceContextExt;

use crate::attached::{Attached, Work, running};

/// What [`scope`] and `in_opentelemetry` set, and everything below inherits.
#[context_var]
static OPENTELEMETRY: Carried;

/// An OpenTelemetry context, and the work that it was set for.
#[derive(Clone, Debug)]
pub(crate) struct Carried {
    cx: Context,
    work: Work,
}

impl Carried {
    pub(crate) fn new(cx: Context) -> Self {
        Self { cx, work: Work::new() }
    }

    pub(crate) fn cx(&self) -> &Context {
        &self.cx
    }

    /// Attaches it to this thread, as far as that is possible.
    pub(crate) fn attach(&self) -> Option<Attached> {
        Attached::new(&self.cx, self.work)
    }

    /// A copy of the current context that carries it.
    pub(crate) fn in_copy_of_context(&self) -> contextvars::Context {
        copy_context().with(&OPENTELEMETRY, self.clone())
    }
}

/// Returns the OpenTelemetry context of the work at hand: attached on this thread, or inherited.
///
/// In a [`scope`], and in a future that was given one, that is OpenTelemetry's own current context, whatever was
/// attached there since. In work that only inherited a context (a spawned task, a thread, a job) it is the inherited
/// one.
///
/// A guard of OpenTelemetry's on a thread that runs nothing of this package's counts, too, before what is inherited: if
/// the context has an active span or baggage, or suppresses telemetry. (One with other values alone cannot be told from
/// none.) Under a `scope` that belongs to other work, as when a worker of rayon waits and runs somebody else's job
/// meanwhile, that work's context is not seen. Under a guard of OpenTelemetry's own it is: nothing tells whose guard it
/// is. So use [`scope`], and not `attach`, around what waits in rayon.
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
    let carried = OPENTELEMETRY.try_get().ok();
    match (running(), carried) {
        (Ok(Some(running)), Some(carried)) if carried.work == running => Context::current(),
        (Ok(None), None) => Context::current(),
        (Ok(None), Some(carried)) => {
            let attached = Context::current();
            if is_of_note(&attached) { attached } else { carried.cx }
        }
        // What is attached belongs to other work, or the thread is about to end.
        (Ok(Some(_)) | Err(_), Some(carried)) => carried.cx,
        (Ok(Some(_)) | Err(_), None) => Context::new(),
    }
}

/// Whether the context is one that somebody attached, as far as can be told.
fn is_of_note(cx: &Context) -> bool {
    cx.has_active_span() || !cx.baggage().is_empty() || cx.is_telemetry_suppressed()
}

/// Runs `f` with `cx` for OpenTelemetry's current context, which work that is started in `f` inherits.
///
/// `f` runs in a copy of the current context: what it sets in variables stays in there. In work that inherited an
/// OpenTelemetry context, `scope(current(), f)` makes it OpenTelemetry's own, for libraries that ask there.
///
/// `scope(Context::new(), f)` detaches `f` from it.
///
/// # Examples
///
/// ```
/// use contextvars::thread;
/// use contextvars_opentelemetry::{current, scope};
/// use opentelemetry::baggage::BaggageExt;
/// use opentelemetry::{Context, KeyValue};
///
/// fn tenant() -> Option<String> {
///     Context::current().baggage().get("tenant").map(ToString::to_string)
/// }
///
/// let cx = Context::new().with_baggage([KeyValue::new("tenant", "acme")]);
/// scope(cx, || {
///     assert_eq!(tenant().as_deref(), Some("acme"));
///     let thread = thread::spawn(|| (tenant(), scope(current(), tenant)));
///     assert_eq!(thread.join().unwrap(), (None, Some("acme".to_owned())));
/// });
/// assert_eq!(tenant(), None);
/// ```
pub fn scope<R>(cx: Context, f: impl FnOnce() -> R) -> R {
    let carried = Carried::new(cx);
    // Freed after OpenTelemetry's guard has gone.
    let mut context = carried.in_copy_of_context();
    let _attached = carried.attach();
    context.run(f)
}
