//! Spans and log records that are exported, and what it costs to say on them whose they are.

use std::fmt::Debug;
use std::hint::black_box;
use std::time::Duration;

use contextvars::tracing::ContextFields;
use contextvars_opentelemetry::ContextProcessor;
use opentelemetry::logs::{LogRecord as _, Logger as _, LoggerProvider as _};
use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogProcessor, SdkLogRecord, SdkLoggerProvider};
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanProcessor};
use tracing::field::{Empty, Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::with_default;
use tracing::{Subscriber, info_span};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry;

use crate::variables::context_of;

/// What counts an operation of a name.
type Count<'a> = &'a dyn Fn(&str, &mut dyn FnMut());

/// Counts every operation of this file.
pub fn perform(count: Count<'_>) {
    context_of(2).run(|| {
        opentelemetry_spans(count);
        opentelemetry_logs(count);
        tracing_spans(count);
    });
}

/// A processor that looks at what it is given.
#[derive(Debug)]
struct Exporter;

impl SpanProcessor for Exporter {
    fn on_start(&self, _: &mut Span, _: &opentelemetry::Context) {}

    fn on_end(&self, span: SpanData) {
        black_box(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl LogProcessor for Exporter {
    fn emit(&self, record: &mut SdkLogRecord, _: &InstrumentationScope) {
        black_box(record);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

fn opentelemetry_spans(count: Count<'_>) {
    let plain = SdkTracerProvider::builder().with_span_processor(Exporter).build();
    let processed = SdkTracerProvider::builder().with_span_processor(ContextProcessor::new(Exporter)).build();
    for (name, provider) in [("", plain), (", 2 variables", processed)] {
        let tracer = provider.tracer("benches");
        count(&format!("OpenTelemetry span{name}"), &mut || drop(tracer.start("request")));
        count(&format!("OpenTelemetry span of 4 attributes{name}"), &mut || {
            let own = ["a", "b", "c", "d"].map(|key| KeyValue::new(key, "a text".to_owned()));
            drop(tracer.span_builder("request").with_attributes(own).start(&tracer));
        });
    }
}

fn opentelemetry_logs(count: Count<'_>) {
    let plain = SdkLoggerProvider::builder().with_log_processor(Exporter).build();
    let processed = SdkLoggerProvider::builder().with_log_processor(ContextProcessor::new(Exporter)).build();
    for (name, provider) in [("", plain), (", 2 variables", processed)] {
        let logger = provider.logger("benches");
        count(&format!("OpenTelemetry log record{name}"), &mut || {
            let mut record = logger.create_log_record();
            record.add_attribute("a", 1);
            logger.emit(record);
        });
    }
}

/// A layer that looks at what it is told.
struct Visitor;

impl Visit for Visitor {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        black_box((field, value));
    }
}

impl<S: Subscriber> Layer<S> for Visitor {
    fn on_new_span(&self, attrs: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        attrs.record(&mut Self);
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        values.record(&mut Self);
    }
}

fn tracing_spans(count: Count<'_>) {
    let span = || info_span!("request", path = "/", number = Empty, text = Empty);
    with_default(registry().with(Visitor), || count("tracing span", &mut || drop(span())));
    let variables = ContextFields::new();
    with_default(registry().with(Visitor).with(variables), || {
        count("tracing span that declares no variable", &mut || drop(info_span!("request", path = "/", other = Empty)));
        count("tracing span, 2 variables recorded", &mut || drop(span()));
    });
}
