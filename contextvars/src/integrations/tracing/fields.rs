//! [`ContextFields`]: records context variables in the spans that declare fields for them.

use std::io::{self, Write as _};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing_core::dispatcher::{self, WeakDispatch};
use tracing_core::field::{DisplayValue, Field, FieldSet, Value, display};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use super::shape::{LeaveOut, written};
use super::warning;
use crate::context::{ValueRef, copy_context};
use crate::logged::{self, Logged, Shown};
use crate::variable::Variable;

/// A layer that records the context's variables in each new span that declares fields with their names.
///
/// A span declares a field without a value as `request_id = tracing::field::Empty`, or with
/// `#[instrument(fields(request_id))]`. Every other layer sees the recorded value as if the program had called
/// `span.record`: those that export to OpenTelemetry, Loki or Sentry, those that write JSON, and filters of fields.
/// Recorded are the variables declared with `log`, under their names in log lines, or those given to
/// [`only`](Self::only), that are set in the context in which the span is created. Redacted values are not shown.
///
/// Add it **last**: a layer that is added after this one receives a value before it is told of the span, and loses one
/// or the other; `fmt` loses the fields for which the span has values. This cannot be detected. Add it by itself or in
/// a `Box`: in an `Option` or a `Vec`, and with versions of `tracing-subscriber` before 0.3.22, a layer is not told
/// which subscriber it belongs to. It then works in the global subscriber only, and only while no thread has another
/// default; otherwise it writes a warning to the standard error stream, once. `only([])` disables it.
///
/// - A field that the span has a value for keeps it.
/// - A value that is set later is not recorded: write `Span::current().record("request_id", id)`.
/// - Fields that a span does not declare cannot be recorded, nor can fields of events. Layers export an event with the
///   fields of the spans around it; [`ContextFormat`](super::ContextFormat) adds variables to the lines of events.
/// - Numbers, Booleans and strings are recorded with their types, other values as their `Display`.
///
/// O(n) in the fields of the span; if it has some, O(n) in the variables that are set; and if values are recorded, a
/// call of `on_record` of each layer.
///
/// # Examples
///
/// ```
/// use contextvars::tracing::ContextFields;
/// use contextvars::{context_var, with_context};
/// use tracing::field::Empty;
/// use tracing_subscriber::{fmt, prelude::*};
///
/// #[context_var(log = "request_id")]
/// static REQUEST_ID: u64;
///
/// # #[derive(Clone, Default)]
/// # struct Output(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
/// # impl Output {
/// #     fn text(&self) -> String { String::from_utf8(self.0.lock().unwrap().clone()).unwrap() }
/// # }
/// # impl std::io::Write for Output {
/// #     fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> { self.0.lock().unwrap().write(bytes) }
/// #     fn flush(&mut self) -> std::io::Result<()> { Ok(()) }
/// # }
/// # fn main() {
/// # let output = Output::default();
/// # let writer = output.clone();
/// // Any layer that exports spans.
/// let exporter = fmt::layer().without_time().with_ansi(false).with_target(false);
/// # let exporter = exporter.with_writer(move || writer.clone());
/// let subscriber = tracing_subscriber::registry().with(exporter).with(ContextFields::new());
/// # let _default = subscriber.set_default();
///
/// with_context!(REQUEST_ID = 7, {
///     let _span = tracing::info_span!("request", path = "/orders", request_id = Empty).entered();
///     tracing::info!("accepted");
/// });
/// assert_eq!(output.text(), " INFO request{path=\"/orders\" request_id=7}: accepted\n");
/// # }
/// ```
#[derive(Debug)]
#[doc(alias = "MDC")]
pub struct ContextFields {
    logged: Logged,
    /// The subscriber that this layer is a part of.
    dispatch: OnceLock<WeakDispatch>,
}

impl ContextFields {
    /// Returns a layer that records the variables declared with `log`.
    #[must_use]
    pub fn new() -> Self {
        Self { logged: Logged::Declared, dispatch: OnceLock::new() }
    }

    /// Records these variables instead of those declared with `log`. One without `log` is recorded under its own name.
    #[must_use]
    pub fn only(mut self, variables: impl IntoIterator<Item = &'static Variable>) -> Self {
        self.logged = Logged::listed(variables);
        self
    }

    /// Calls `f` with the subscriber that this layer is a part of.
    fn with_dispatch(&self, f: impl Fn(&Dispatch)) {
        if let Some(dispatch) = self.dispatch.get() {
            if let Some(dispatch) = dispatch.upgrade() {
                f(&dispatch);
            }
            return;
        }
        // The default, if the layer is in that one: where the span is created, only a global one is known.
        dispatcher::get_default(|dispatch| {
            if dispatch.downcast_ref::<Self>().is_some_and(|it| ptr::eq(it, self)) { f(dispatch) } else { warn() }
        });
    }
}

/// Warns, once, that nothing is recorded. On the standard error stream, since no subscriber is known.
fn warn() {
    static HAS_WARNED: AtomicBool = AtomicBool::new(false);
    if !HAS_WARNED.swap(true, Ordering::Relaxed) {
        // If the stream is closed, the warning is lost.
        let _ = writeln!(
            io::stderr(),
            "warning: `ContextFields` was not told what subscriber it is a part of, and records nothing: add it by \
             itself or in a `Box`, not in an `Option` or a `Vec`, with tracing-subscriber 0.3.22 or later",
        );
    }
}

impl Default for ContextFields {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Subscriber> Layer<S> for ContextFields {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        // A layer belongs to one subscriber, which is registered once.
        let _ = self.dispatch.set(dispatch.downgrade());
    }

    fn on_new_span(&self, attrs: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let declared = attrs.fields();
        if declared.is_empty() {
            return;
        }
        let context = copy_context();
        let mut variables = self.logged.fields(&context);
        let warnings = self.logged.warnings(&variables);
        variables.leave_out(|name| field_of_name(declared, name).is_none());
        if !variables.is_empty() {
            attrs.record(&mut LeaveOut(&mut variables));
        }
        if variables.is_empty() && warnings.is_empty() {
            return;
        }
        self.with_dispatch(|dispatch| {
            for text in &warnings {
                warning::with_event(text, |event| dispatch.event(event));
            }
            for variable in variables.iter() {
                let Some(field) = field_of_name(declared, variable.name) else { continue };
                let recorded = Recorded::new(variable.shown());
                let values = [(&field, Some(recorded.value()))];
                logged::writing(|| dispatch.record(id, &Record::new(&declared.value_set(&values))));
            }
        });
    }
}

fn field_of_name(declared: &FieldSet, name: &str) -> Option<Field> {
    declared.iter().find(|field| written(field) == name)
}

/// A value as `tracing` records it.
enum Recorded<'a> {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    LargeSigned(i128),
    LargeUnsigned(u128),
    Float(f64),
    Str(&'a str),
    Text(DisplayValue<&'a ValueRef<'a>>),
}

impl<'a> Recorded<'a> {
    fn new(shown: Shown<'a>) -> Self {
        // Signed if the value fits: more layers treat that as a number, and a variable has one type for all values.
        match shown {
            Shown::Bool(it) => Self::Bool(it),
            Shown::Signed(it) => Self::Signed(it),
            Shown::Unsigned(it) => i64::try_from(it).map_or(Self::Unsigned(it), Self::Signed),
            Shown::LargeSigned(it) => i64::try_from(it).map_or(Self::LargeSigned(it), Self::Signed),
            Shown::LargeUnsigned(it) => i64::try_from(it)
                .map_or_else(|_| u64::try_from(it).map_or(Self::LargeUnsigned(it), Self::Unsigned), Self::Signed),
            Shown::Float(it) => Self::Float(it),
            Shown::Str(it) => Self::Str(it),
            Shown::Text(it) => Self::Text(display(it)),
        }
    }

    fn value(&self) -> &dyn Value {
        match self {
            Self::Bool(it) => it,
            Self::Signed(it) => it,
            Self::Unsigned(it) => it,
            Self::LargeSigned(it) => it,
            Self::LargeUnsigned(it) => it,
            Self::Float(it) => it,
            Self::Str(it) => it,
            Self::Text(it) => it,
        }
    }
}
