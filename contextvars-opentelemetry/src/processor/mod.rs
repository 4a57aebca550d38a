//! [`ContextProcessor`]: variables as attributes of spans and log records.

mod attributes;
mod value;

use std::time::Duration;

use contextvars::{Variable, copy_context};
use opentelemetry::logs::{LogRecord as _, Severity};
use opentelemetry::trace::Span as _;
use opentelemetry::{Context, InstrumentationScope, Key, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogProcessor, SdkLogRecord};
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use self::attributes::{Attribute, Chosen};

/// A processor that puts the context's variables on every span or log record, as attributes, before it hands them to
/// another.
///
/// They are the variables declared with `log`, under the names that they have in log lines, or those given to
/// [`only`](Self::only), as far as they are set in the context in which the span is started or the record emitted.
/// `redact` is honoured. Wherever else a span or record goes after this processor, the attributes are on it.
///
/// - An attribute of the same key that the span is started with, or that the record has, stays, and the variable is left
///   out. One that is set on the span later stands there besides, as with whatever is set twice in this SDK.
/// - A value that is set after the span was started is not on it: `span.set_attribute` does that.
/// - Of the variables that share a name, the first declared one that is set is there; of those given to `only`, the first
///   in the list. A warning on the standard error stream names them, once.
/// - Truth values, numbers and strings are such; an integer that does not fit into 64 bits with a sign, and everything
///   else, is what its `Display` writes. An `Arc<str>` is shared and not copied.
/// - What the `Display` of a value starts or emits itself has no variables on it. It must not attach an OpenTelemetry
///   context, nor emit a log record, which does so where it is exported: `tracer.start(..)` keeps OpenTelemetry's
///   thread-local borrowed, and the `attach` panics. With `let cx = Context::current();`, both are allowed in
///   `tracer.start_with_context(.., &cx)`.
///
/// With the `tracing-opentelemetry` layer, a span is started when it is first entered, or else when it is closed; what
/// is set then is on it.
///
/// Costs a look at each variable that is set, for each span that is recorded and each log record, and the attributes
/// themselves; where there is something to put on a span, also a copy of what the span has already, since the SDK shows
/// its attributes in no other way. A processor beside the other, instead of around it, would cost one more copy.
///
/// # Examples
///
/// ```
/// use contextvars::{context_var, with_context};
/// use contextvars_opentelemetry::ContextProcessor;
/// use opentelemetry::KeyValue;
/// use opentelemetry::trace::{Tracer, TracerProvider};
/// use opentelemetry_sdk::trace::{BatchSpanProcessor, InMemorySpanExporter, SdkTracerProvider};
///
/// #[context_var(log = "request.id")]
/// static REQUEST_ID: u64;
///
/// # fn main() {
/// let exporter = InMemorySpanExporter::default();
/// let batches = BatchSpanProcessor::builder(exporter.clone()).build();
/// let provider = SdkTracerProvider::builder().with_span_processor(ContextProcessor::new(batches)).build();
/// let tracer = provider.tracer("shop");
/// with_context!(REQUEST_ID = 7, { drop(tracer.start("accept")) });
/// provider.force_flush().unwrap();
/// assert_eq!(exporter.get_finished_spans().unwrap()[0].attributes, [KeyValue::new("request.id", 7)]);
/// # }
/// ```
#[derive(Debug)]
pub struct ContextProcessor<P> {
    inner: P,
    chosen: Chosen,
}

impl<P> ContextProcessor<P> {
    /// Returns a processor that hands everything to `inner`, with the variables declared with `log`.
    #[must_use]
    pub fn new(inner: P) -> Self {
        Self { inner, chosen: Chosen::Declared }
    }

    /// Adds these variables instead of those declared with `log`; one that is not is added under its own name.
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::{context_var, with_context};
    /// use contextvars_opentelemetry::ContextProcessor;
    /// use opentelemetry::logs::{LogRecord, Logger, LoggerProvider};
    /// use opentelemetry_sdk::logs::{InMemoryLogExporter, SdkLoggerProvider, SimpleLogProcessor};
    ///
    /// #[context_var]
    /// static TENANT: &'static str;
    ///
    /// # fn main() {
    /// let exporter = InMemoryLogExporter::default();
    /// let each = SimpleLogProcessor::new(exporter.clone());
    /// let provider = SdkLoggerProvider::builder()
    ///     .with_log_processor(ContextProcessor::new(each).only([TENANT.variable()]))
    ///     .build();
    /// let logger = provider.logger("shop");
    /// with_context!(TENANT = "acme", { logger.emit(logger.create_log_record()) });
    /// let logs = exporter.get_emitted_logs().unwrap();
    /// assert_eq!(logs[0].record.attributes_iter().next().unwrap(), &("TENANT".into(), "acme".into()));
    /// # }
    /// ```
    #[must_use]
    pub fn only(mut self, variables: impl IntoIterator<Item = &'static Variable>) -> Self {
        self.chosen = Chosen::listed(variables);
        self
    }
}

impl<P: SpanProcessor> SpanProcessor for ContextProcessor<P> {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        let context = copy_context();
        let mut own = None;
        self.chosen.each(&context, |Attribute { key, variable, value }| {
            let own = own.get_or_insert_with(|| span.exported_data().map_or_else(Vec::new, |data| data.attributes));
            if own.iter().all(|attribute| attribute.key.as_str() != key) {
                span.set_attribute(KeyValue::new(key, value::on_span(variable, value)));
            }
        });
        self.inner.on_start(span, cx);
    }

    fn on_end(&self, span: SpanData) {
        self.inner.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn shutdown(&self) -> OTelSdkResult {
        self.inner.shutdown()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl<P: LogProcessor> LogProcessor for ContextProcessor<P> {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        let context = copy_context();
        self.chosen.each(&context, |Attribute { key, variable, value }| {
            if record.attributes_iter().all(|(own, _)| own.as_str() != key) {
                record.add_attribute(Key::from_static_str(key), value::on_record(variable, value));
            }
        });
        self.inner.emit(record, scope);
    }

    fn event_enabled(&self, level: Severity, target: &str, name: Option<&str>) -> bool {
        self.inner.event_enabled(level, target, name)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn shutdown(&self) -> OTelSdkResult {
        self.inner.shutdown()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
