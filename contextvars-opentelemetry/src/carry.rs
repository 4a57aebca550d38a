//! OpenTelemetry's current context, carried by the contexts of children.

use contextvars::carry::{self, Carried};
use opentelemetry::{Context, ContextGuard};

/// Makes contexts carry OpenTelemetry's current context: in a spawned task, a thread, a job, `Context::current()` is
/// the context that was attached where it was started.
///
/// Call it once, at the top of `main`. Contexts are attached by OpenTelemetry's own `attach`, `with_context` and
/// `in_span`. [`contextvars::carry`] says when a context is captured and attached. A program that also calls
/// `contextvars::tracing::carry_spans()` calls that first: `tracing-opentelemetry` attaches the context of each span
/// that is entered, and would hide one that was attached before.
///
/// A child that was started where nothing is attached has an empty context of its own: it is in no trace, whatever is
/// attached on the thread that runs it.
///
/// A span that is carried does not end by itself until the last context that carries it is gone. So work that outlives
/// the request is to be started by `contextvars::tokio::spawn_detached`, which carries nothing.
///
/// Costs, for each child, a clone of OpenTelemetry's context, and a value in the child's; for each entering an `attach`
/// of OpenTelemetry's, and an allocation for its guard.
///
/// # Examples
///
/// ```
/// use contextvars::thread;
/// use opentelemetry::baggage::BaggageExt;
/// use opentelemetry::{Context, KeyValue};
///
/// fn tenant() -> Option<String> {
///     Context::current().baggage().get("tenant").map(ToString::to_string)
/// }
///
/// contextvars_opentelemetry::carry();
/// let _attached = Context::new().with_baggage([KeyValue::new("tenant", "acme")]).attach();
/// assert_eq!(thread::spawn(tenant).join().unwrap().as_deref(), Some("acme"));
/// assert_eq!(std::thread::spawn(tenant).join().unwrap(), None);
/// ```
pub fn carry() {
    carry::register::<Attached>();
}

/// The context that was attached where a child was started. It may be empty: a context with values alone cannot be told
/// from one without, and a child without one would see whatever is attached on the thread that runs it.
struct Attached(Context);

impl Carried for Attached {
    type Undo = ContextGuard;

    fn capture() -> Option<Self> {
        ALIVE.try_with(|_| Self(Context::current())).ok()
    }

    fn enter(&self) -> Option<ContextGuard> {
        ALIVE.try_with(|_| self.0.clone().attach()).ok()
    }
}

thread_local! {
    /// Gone when the thread is about to end, as long as OpenTelemetry can still be asked: its own thread-local is made
    /// before this one, and the last that was made is the first to go.
    static ALIVE: Alive = {
        Context::map_current(|_| ());
        Alive
    };
}

struct Alive;

impl Drop for Alive {
    /// Does nothing. That there is one makes the thread-local inaccessible when its time has come.
    fn drop(&mut self) {}
}
