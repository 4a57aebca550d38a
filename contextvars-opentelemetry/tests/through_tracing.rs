//! Variables on what `tracing-opentelemetry` and `opentelemetry-appender-tracing` make of `tracing`'s spans and events.

use contextvars::tracing::ContextFields;
use contextvars::{Context, ContextExt, context_var, tokio, with_context};
use contextvars_opentelemetry::ContextProcessor;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{KeyValue, Value};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::logs::{InMemoryLogExporter, SdkLogRecord, SdkLoggerProvider, SimpleLogProcessor};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SimpleSpanProcessor};
use tracing::field::Empty;
use tracing::{Dispatch, Instrument, dispatcher, info, info_span};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;

#[context_var(log = "request_id")]
static REQUEST_ID: u64;

/// How variables get to the exporters.
#[derive(Clone, Copy, PartialEq)]
enum By {
    /// The processors of spans and of log records.
    Processors,
    /// The layer that records declared fields.
    Fields,
    /// Both.
    Both,
}

/// A subscriber that exports spans and events, and its exporters.
struct Exporting {
    dispatch: Dispatch,
    spans: InMemorySpanExporter,
    logs: InMemoryLogExporter,
    /// An exporter forgets everything when its provider is dropped.
    _providers: (SdkTracerProvider, SdkLoggerProvider),
}

impl Exporting {
    fn new(by: By) -> Self {
        let (spans, logs) = (InMemorySpanExporter::default(), InMemoryLogExporter::default());
        let on_spans = ContextProcessor::new(SimpleSpanProcessor::new(spans.clone()));
        let on_logs = ContextProcessor::new(SimpleLogProcessor::new(logs.clone()));
        let (on_spans, on_logs) =
            if by == By::Fields { (on_spans.only([]), on_logs.only([])) } else { (on_spans, on_logs) };
        let tracers = SdkTracerProvider::builder().with_span_processor(on_spans).build();
        let loggers = SdkLoggerProvider::builder().with_log_processor(on_logs).build();
        let own = || filter_fn(|metadata| metadata.target() == module_path!());
        let dispatch = tracing_subscriber::registry()
            .with(tracing_opentelemetry::layer().with_tracer(tracers.tracer("test")).with_filter(own()))
            .with(OpenTelemetryTracingBridge::new(&loggers).with_filter(own()))
            .with(if by == By::Processors { ContextFields::new().only([]) } else { ContextFields::new() });
        Self { dispatch: dispatch.into(), spans, logs, _providers: (tracers, loggers) }
    }

    /// Runs a test in a context of its own: tests share threads.
    fn run(&self, f: impl FnOnce()) {
        Context::new().run(|| dispatcher::with_default(&self.dispatch, f));
    }

    /// The values of `request_id` on each span, with the span's name, in the order in which they ended.
    fn spans(&self) -> Vec<(String, Vec<Value>)> {
        let values = |attributes: Vec<KeyValue>| {
            attributes.into_iter().filter(|it| it.key.as_str() == "request_id").map(|it| it.value).collect()
        };
        let spans = self.spans.get_finished_spans().expect("no lock is poisoned");
        spans.into_iter().map(|span| (span.name.into_owned(), values(span.attributes))).collect()
    }

    /// The values of `request_id` on each log record.
    fn logs(&self) -> Vec<Vec<String>> {
        let logs = self.logs.get_emitted_logs().expect("no lock is poisoned");
        let values = |record: &SdkLogRecord| {
            let attributes = record.attributes_iter().filter(|(key, _)| key.as_str() == "request_id");
            attributes.map(|(_, value)| format!("{value:?}")).collect()
        };
        logs.iter().map(|log| values(&log.record)).collect()
    }
}

fn with(name: &str, values: &[i64]) -> (String, Vec<Value>) {
    (name.to_owned(), values.iter().map(|&it| it.into()).collect())
}

#[test]
fn with_the_processors_every_span_and_every_event_has_the_variable() {
    let exporting = Exporting::new(By::Processors);
    exporting.run(|| {
        with_context!(REQUEST_ID = 7, {
            info_span!("outer").in_scope(|| {
                info!("accepted");
                drop(info_span!("never entered"));
            });
        });
        info!("outside");
    });
    assert_eq!(exporting.spans(), [with("never entered", &[7]), with("outer", &[7])]);
    assert_eq!(exporting.logs(), [vec!["Int(7)".to_owned()], vec![]]);
}

#[test]
fn with_the_layer_the_spans_that_declare_the_field_have_the_variable() {
    let exporting = Exporting::new(By::Fields);
    exporting.run(|| {
        with_context!(REQUEST_ID = 7, {
            info_span!("declares", request_id = Empty).in_scope(|| {
                info!("accepted");
                info_span!("does not").in_scope(|| ());
            });
        });
    });
    assert_eq!(exporting.spans(), [with("does not", &[]), with("declares", &[7])]);
    assert_eq!(exporting.logs(), [Vec::<String>::new()]);
}

#[test]
fn with_both_no_span_has_the_variable_twice() {
    let exporting = Exporting::new(By::Both);
    exporting.run(|| {
        with_context!(REQUEST_ID = 7, { info_span!("declares", request_id = Empty).in_scope(|| info!("accepted")) });
        with_context!(REQUEST_ID = 8, { drop(info_span!("own", request_id = 6_i64)) });
    });
    assert_eq!(exporting.spans(), [with("declares", &[7]), with("own", &[6])]);
    assert_eq!(exporting.logs(), [["Int(7)"]]);
}

#[test]
fn a_span_has_the_value_of_where_it_is_first_entered_and_the_layer_that_of_where_it_is_made() {
    for (by, expected) in [(By::Processors, 2), (By::Fields, 1)] {
        let exporting = Exporting::new(by);
        exporting.run(|| {
            let span = with_context!(REQUEST_ID = 1, { info_span!("late", request_id = Empty) });
            with_context!(REQUEST_ID = 2, { span.in_scope(|| ()) });
            with_context!(REQUEST_ID = 3, { drop(span) });
        });
        assert_eq!(exporting.spans(), [with("late", &[expected])]);
    }
}

#[tokio::test]
async fn interleaved_requests_and_their_tasks_each_have_their_own_value() {
    for by in [By::Processors, By::Fields, By::Both] {
        let exporting = Exporting::new(by);
        // For the whole thread: `tracing` closes the parent of a span in the subscriber that is the default then.
        let _default = dispatcher::set_default(&exporting.dispatch);
        let requests = (0..50_u64).map(|id| {
            let request = async {
                let work = async { tokio::task::yield_now().await }.instrument(info_span!("work", request_id = Empty));
                tokio::spawn(work).await.expect("no panic");
            };
            let name = format!("request {id}");
            let request =
                async move { request.instrument(info_span!("request", otel.name = name, request_id = Empty)).await };
            tokio::spawn(request.in_context(Context::new().with(&REQUEST_ID, id)))
        });
        for request in requests.collect::<Vec<_>>() {
            request.await.expect("no panic");
        }
        let spans = exporting.spans();
        assert_eq!(spans.len(), 100, "{spans:?}");
        for id in 0..50 {
            assert!(spans.contains(&with(&format!("request {id}"), &[id])), "{spans:?}");
            assert!(spans.contains(&with("work", &[id])), "{spans:?}");
        }
    }
}
