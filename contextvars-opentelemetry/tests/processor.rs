//! Variables as attributes of the spans and log records that the SDK exports.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use std::{env, fmt};

use contextvars::{Context as Variables, context_var, thread, with_context};
use contextvars_opentelemetry::{ContextProcessor, carry};
use opentelemetry::logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity};
use opentelemetry::trace::{Span, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{
    InMemoryLogExporter, LogProcessor, SdkLogRecord, SdkLogger, SdkLoggerProvider, SimpleLogProcessor,
};
use opentelemetry_sdk::trace::{
    InMemorySpanExporter, Sampler, SdkTracer, SdkTracerProvider, SimpleSpanProcessor, Span as SdkSpan, SpanData,
    SpanProcessor,
};

#[context_var(log = "request.id")]
static REQUEST_ID: u64;

#[context_var(log = "user")]
static USER: String;

#[context_var(log = "password", redact)]
static PASSWORD: String;

#[context_var]
static NOT_LOGGED: u32;

/// A processor around one that exports.
type Spans = ContextProcessor<SimpleSpanProcessor<InMemorySpanExporter>>;
type Logs = ContextProcessor<SimpleLogProcessor<InMemoryLogExporter>>;

/// A provider with what `with` makes of a processor, and where its spans go.
fn spans(with: impl FnOnce(Spans) -> Spans) -> (SdkTracerProvider, InMemorySpanExporter) {
    let exporter = InMemorySpanExporter::default();
    let processor = with(ContextProcessor::new(SimpleSpanProcessor::new(exporter.clone())));
    (SdkTracerProvider::builder().with_span_processor(processor).build(), exporter)
}

/// The same for log records.
fn logs(with: impl FnOnce(Logs) -> Logs) -> (SdkLoggerProvider, InMemoryLogExporter) {
    let exporter = InMemoryLogExporter::default();
    let processor = with(ContextProcessor::new(SimpleLogProcessor::new(exporter.clone())));
    (SdkLoggerProvider::builder().with_log_processor(processor).build(), exporter)
}

/// The attributes of the only span, or what they were of several; the exporter forgets them.
fn exported(exporter: &InMemorySpanExporter) -> Vec<(Cow<'static, str>, Vec<KeyValue>)> {
    let spans = exporter.get_finished_spans().expect("no lock is poisoned");
    exporter.reset();
    spans
        .into_iter()
        .map(|mut span| {
            span.attributes.sort_by(|a, b| a.key.cmp(&b.key));
            (span.name, span.attributes)
        })
        .collect()
}

fn emitted(exporter: &InMemoryLogExporter) -> Vec<Vec<(String, AnyValue)>> {
    let logs = exporter.get_emitted_logs().expect("no lock is poisoned");
    exporter.reset();
    logs.iter()
        .map(|log| {
            let mut attributes: Vec<_> =
                log.record.attributes_iter().map(|(key, value)| (key.to_string(), value.clone())).collect();
            attributes.sort_by(|a, b| a.0.cmp(&b.0));
            attributes
        })
        .collect()
}

/// Runs a test in a context of its own: tests share threads.
fn isolated<R>(f: impl FnOnce() -> R) -> R {
    Variables::new().run(f)
}

#[test]
fn every_span_has_the_logged_variables_that_are_set_where_it_is_started() {
    let (provider, exporter) = spans(|it| it);
    let tracer = provider.tracer("test");
    isolated(|| {
        drop(tracer.start("outside"));
        with_context!(REQUEST_ID = 7, USER = "ada".to_owned(), NOT_LOGGED = 1, {
            let mut span = tracer.start("request");
            REQUEST_ID.set(8);
            span.end();
        });
    });
    let attributes = vec![KeyValue::new("request.id", 7), KeyValue::new("user", "ada")];
    assert_eq!(exported(&exporter), [("outside".into(), vec![]), ("request".into(), attributes)]);
}

#[test]
fn every_log_record_has_the_logged_variables_that_are_set_where_it_is_emitted() {
    let (provider, exporter) = logs(|it| it);
    let logger = provider.logger("test");
    isolated(|| {
        logger.emit(logger.create_log_record());
        with_context!(REQUEST_ID = 7, USER = "ada".to_owned(), NOT_LOGGED = 1, {
            logger.emit(logger.create_log_record());
        });
    });
    let attributes = vec![("request.id".to_owned(), AnyValue::Int(7)), ("user".to_owned(), "ada".into())];
    assert_eq!(emitted(&exporter), [vec![], attributes]);
}

#[test]
fn what_is_redacted_is_exported_as_such() {
    let (provider, exporter) = spans(|it| it.only([PASSWORD.variable()]));
    let (log_provider, log_exporter) = logs(|it| it);
    let (tracer, logger) = (provider.tracer("test"), log_provider.logger("test"));
    isolated(|| {
        with_context!(PASSWORD = "hunter2".to_owned(), {
            drop(tracer.start("login"));
            logger.emit(logger.create_log_record());
        });
    });
    assert_eq!(exported(&exporter), [("login".into(), vec![KeyValue::new("password", "<redacted>")])]);
    assert_eq!(emitted(&log_exporter), [[("password".to_owned(), "<redacted>".into())]]);
}

#[test]
fn the_variables_of_a_list_are_exported_and_no_others() {
    let listed = [NOT_LOGGED.variable(), USER.variable(), NOT_LOGGED.variable()];
    let (provider, exporter) = spans(|it| it.only(listed));
    let tracer = provider.tracer("test");
    isolated(|| with_context!(REQUEST_ID = 7, NOT_LOGGED = 1, { drop(tracer.start("request")) }));
    assert_eq!(exported(&exporter), [("request".into(), vec![KeyValue::new("NOT_LOGGED", 1)])]);
}

#[test]
fn an_attribute_of_the_span_s_or_the_record_s_own_stays_and_is_there_once() {
    let (provider, exporter) = spans(|it| it);
    let (log_provider, log_exporter) = logs(|it| it);
    let (tracer, logger) = (provider.tracer("test"), log_provider.logger("test"));
    isolated(|| {
        with_context!(REQUEST_ID = 7, USER = "ada".to_owned(), {
            drop(tracer.span_builder("retry").with_attributes([KeyValue::new("request.id", 6)]).start(&tracer));
            let mut record = logger.create_log_record();
            record.add_attribute("request.id", 6);
            logger.emit(record);
        });
    });
    let attributes = vec![KeyValue::new("request.id", 6), KeyValue::new("user", "ada")];
    assert_eq!(exported(&exporter), [("retry".into(), attributes)]);
    let attributes = [("request.id".to_owned(), AnyValue::Int(6)), ("user".to_owned(), "ada".into())];
    assert_eq!(emitted(&log_exporter), [attributes]);
}

#[test]
fn values_are_exported_as_what_they_are() {
    mod typed {
        use std::borrow::Cow;
        use std::sync::Arc;

        use contextvars::context_var;
        #[context_var]
        pub(super) static SIGNED: i8;
        #[context_var]
        pub(super) static LARGE: u64;
        #[context_var]
        pub(super) static LENGTH: usize;
        #[context_var]
        pub(super) static FLAG: bool;
        #[context_var]
        pub(super) static LOAD: f32;
        #[context_var]
        pub(super) static SHARED: Arc<str>;
        #[context_var]
        pub(super) static COW: Cow<'static, str>;
        #[context_var]
        pub(super) static LETTER: char;
        #[context_var]
        pub(super) static LIST: Vec<u8>;
    }
    use typed::{COW, FLAG, LARGE, LENGTH, LETTER, LIST, LOAD, SHARED, SIGNED};
    let listed = [
        SIGNED.variable(),
        LARGE.variable(),
        LENGTH.variable(),
        FLAG.variable(),
        LOAD.variable(),
        SHARED.variable(),
        COW.variable(),
        LETTER.variable(),
        LIST.variable(),
    ];
    let (provider, exporter) = spans(|it| it.only(listed));
    let (log_provider, log_exporter) = logs(|it| it.only(listed));
    let (tracer, logger) = (provider.tracer("test"), log_provider.logger("test"));
    let values = Variables::new()
        .with(&SIGNED, -3)
        .with(&LARGE, u64::MAX)
        .with(&LENGTH, 3)
        .with(&FLAG, true)
        .with(&LOAD, 0.5)
        .with(&SHARED, Arc::from("shared"))
        .with(&COW, Cow::Borrowed("cow"))
        .with(&LETTER, 'x')
        .with(&LIST, vec![1, 2]);
    values.run_copy(|| {
        drop(tracer.start("typed"));
        logger.emit(logger.create_log_record());
    });
    let expected = [
        KeyValue::new("COW", "cow"),
        KeyValue::new("FLAG", true),
        KeyValue::new("LARGE", u64::MAX.to_string()),
        KeyValue::new("LENGTH", 3),
        KeyValue::new("LETTER", "x"),
        KeyValue::new("LIST", "[1, 2]"),
        KeyValue::new("LOAD", 0.5),
        KeyValue::new("SHARED", "shared"),
        KeyValue::new("SIGNED", -3),
    ];
    let on_records = expected.clone().map(|KeyValue { key, value, .. }| {
        let value = match value {
            Value::Bool(it) => it.into(),
            Value::I64(it) => it.into(),
            Value::F64(it) => it.into(),
            other => AnyValue::String(other.into()),
        };
        (key.to_string(), value)
    });
    assert_eq!(exported(&exporter), [("typed".into(), expected.to_vec())]);
    assert_eq!(emitted(&log_exporter), [on_records]);
}

#[test]
fn of_two_variables_with_one_name_the_first_that_is_set_is_exported() {
    mod twins {
        use contextvars::context_var;
        #[context_var(log = "twin")]
        pub(super) static FIRST: u32;
        #[context_var(log = "twin")]
        pub(super) static SECOND: u32;
    }
    let (declared, in_declared) = spans(|it| it);
    let (listed, in_listed) = spans(|it| it.only([twins::SECOND.variable(), twins::FIRST.variable()]));
    isolated(|| {
        for provider in [&declared, &listed] {
            let tracer = provider.tracer("test");
            with_context!(twins::SECOND = 2, { drop(tracer.start("second")) });
            with_context!(twins::SECOND = 2, twins::FIRST = 1, { drop(tracer.start("both")) });
        }
    });
    let with = |name: &'static str, value: i64| (Cow::from(name), vec![KeyValue::new("twin", value)]);
    assert_eq!(exported(&in_declared), [with("second", 2), with("both", 1)]);
    assert_eq!(exported(&in_listed), [with("second", 2), with("both", 2)]);
}

#[test]
fn a_warning_names_both_variables_and_their_places_once() {
    let test = "of_two_variables_with_one_name_the_first_that_is_set_is_exported";
    let this_program = env::current_exe().expect("a test knows its own path");
    let output = Command::new(this_program).args(["--exact", test]).output().expect("it starts");
    let warnings = String::from_utf8(output.stderr).expect("warnings are UTF-8");
    assert_eq!(warnings.matches("share the name `twin`").count(), 1, "{warnings}");
    for name in ["`FIRST`", "`SECOND`"] {
        assert!(warnings.contains(&format!("{name} (declared at ")), "{warnings}");
    }
}

#[test]
fn spans_of_inherited_work_have_the_variables_that_it_inherited() {
    let (provider, exporter) = spans(|it| it);
    isolated(|| {
        with_context!(REQUEST_ID = 7, {
            let tracer = provider.tracer("test");
            let request = Context::new().with_span(tracer.start("request"));
            let _attached = request.attach();
            carry();
            let work = move || drop(tracer.start_with_context("work", &Context::current()));
            thread::spawn(work).join().expect("no panic");
        });
    });
    let expected = [KeyValue::new("request.id", 7)];
    assert!(exported(&exporter).iter().all(|(_, attributes)| *attributes == expected));
}

/// A value that is not to be looked at.
struct Unseen;

impl fmt::Display for Unseen {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("it was looked at")
    }
}

#[context_var(log = "unseen")]
static UNSEEN: Unseen;

#[test]
fn a_span_that_is_not_recorded_costs_no_look_at_a_value() {
    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::AlwaysOff)
        .with_span_processor(ContextProcessor::new(SimpleSpanProcessor::new(InMemorySpanExporter::default())))
        .build();
    isolated(|| with_context!(UNSEEN = Unseen, { drop(provider.tracer("test").start("dropped")) }));
}

/// A value whose `Display` starts a span, emits a record and changes variables.
struct Curious;

static TELEMETRY: OnceLock<(SdkTracer, SdkLogger)> = OnceLock::new();

impl fmt::Display for Curious {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((tracer, logger)) = TELEMETRY.get() {
            drop(tracer.start_with_context("while writing", &Context::current()));
            logger.emit(logger.create_log_record());
        }
        let token = CURIOUS.set(Self);
        let written = with_context!(REQUEST_ID = 99, { write!(f, "curious-{}", REQUEST_ID.get()) });
        drop(CURIOUS.reset(token));
        written
    }
}

#[context_var(log = "curious")]
static CURIOUS: Curious;

#[test]
fn a_display_that_starts_spans_and_emits_records_comes_to_an_end() {
    let ((provider, exporter), (log_provider, log_exporter)) = (spans(|it| it), logs(|it| it));
    let (tracer, logger) = TELEMETRY.get_or_init(|| (provider.tracer("test"), log_provider.logger("test")));
    isolated(|| {
        with_context!(CURIOUS = Curious, {
            // `start` would keep OpenTelemetry's thread-local borrowed, and what exports a record attaches a context.
            drop(tracer.start_with_context("request", &Context::current()));
            logger.emit(logger.create_log_record());
        });
    });
    let with_it = ("request".into(), vec![KeyValue::new("curious", "curious-99")]);
    let without = || ("while writing".into(), vec![]);
    assert_eq!(exported(&exporter), [without(), with_it, without()]);
    assert_eq!(emitted(&log_exporter), [vec![], vec![], vec![("curious".to_owned(), "curious-99".into())]]);
}

#[test]
fn a_display_that_panics_does_so_where_the_span_is_started_and_the_next_span_is_complete() {
    let (provider, exporter) = spans(|it| it);
    let tracer = provider.tracer("test");
    isolated(|| {
        let started =
            catch_unwind(AssertUnwindSafe(|| with_context!(UNSEEN = Unseen, { drop(tracer.start("first")) })));
        assert!(started.is_err());
        with_context!(REQUEST_ID = 7, { drop(tracer.start("second")) });
    });
    assert_eq!(exported(&exporter).pop(), Some(("second".into(), vec![KeyValue::new("request.id", 7)])));
}

/// A processor that wants errors only, and knows whose program it is in.
#[derive(Debug, Default)]
struct Inner(Arc<Mutex<Vec<&'static str>>>);

impl Inner {
    fn called(&self, what: &'static str) {
        self.0.lock().expect("no lock is poisoned").push(what);
    }
}

impl LogProcessor for Inner {
    fn emit(&self, _: &mut SdkLogRecord, _: &InstrumentationScope) {
        self.called("emit");
    }

    fn event_enabled(&self, level: Severity, _: &str, _: Option<&str>) -> bool {
        level == Severity::Error
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.called("force_flush");
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        self.called("shutdown");
        Ok(())
    }

    fn set_resource(&mut self, _: &Resource) {
        self.called("set_resource");
    }
}

impl SpanProcessor for Inner {
    fn on_start(&self, span: &mut SdkSpan, _: &Context) {
        let attributes = span.exported_data().map_or(0, |data| data.attributes.len());
        self.called(if attributes == 1 { "on_start with the variable" } else { "on_start" });
    }

    fn on_end(&self, _: SpanData) {
        self.called("on_end");
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.called("force_flush");
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        self.called("shutdown");
        Ok(())
    }

    fn set_resource(&mut self, _: &Resource) {
        self.called("set_resource");
    }
}

#[test]
fn the_other_processor_is_told_of_everything_and_decides_what_is_enabled() {
    let (first, second) = (Inner::default(), Inner::default());
    let (spans, logs) = (Arc::clone(&first.0), Arc::clone(&second.0));
    let tracers = SdkTracerProvider::builder().with_span_processor(ContextProcessor::new(first)).build();
    let loggers = SdkLoggerProvider::builder().with_log_processor(ContextProcessor::new(second)).build();
    let logger = loggers.logger("test");
    isolated(|| {
        with_context!(REQUEST_ID = 7, {
            drop(tracers.tracer("test").start("request"));
            logger.emit(logger.create_log_record());
        });
    });
    assert!(logger.event_enabled(Severity::Error, "test", None) && !logger.event_enabled(Severity::Warn, "test", None));
    for result in [tracers.force_flush(), tracers.shutdown(), loggers.force_flush(), loggers.shutdown()] {
        result.expect("it is noted");
    }
    let told = |of: &Mutex<Vec<_>>| of.lock().expect("no lock is poisoned").join(", ");
    assert_eq!(told(&spans), "set_resource, on_start with the variable, on_end, force_flush, shutdown");
    assert_eq!(told(&logs), "set_resource, emit, force_flush, shutdown");
}
