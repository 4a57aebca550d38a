//! Spans of tracing that `tracing-opentelemetry` makes spans of OpenTelemetry, both carried: spans first.

use std::collections::HashMap;
use std::sync::{LazyLock, Once};

use contextvars::{ContextExt, inherit_context, rayon, thread, tokio};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{SpanId, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracer, SdkTracerProvider, SpanData};
use tracing::{Instrument, Span, info_span};
use tracing_subscriber::prelude::*;

static EXPORTER: LazyLock<InMemorySpanExporter> = LazyLock::new(InMemorySpanExporter::default);
static TRACER: LazyLock<SdkTracer> =
    LazyLock::new(|| SdkTracerProvider::builder().with_simple_exporter(EXPORTER.clone()).build().tracer("test"));

fn set_up() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        contextvars::tracing::carry_spans();
        contextvars_opentelemetry::carry();
        tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(TRACER.clone())).init();
    });
}

/// The name of tracing's current span, and OpenTelemetry's active one.
fn here() -> (Option<&'static str>, SpanId) {
    let name = Span::current().metadata().map(tracing::Metadata::name);
    (name, Context::map_current(|cx| cx.span().span_context().span_id()))
}

fn nothing() -> (Option<&'static str>, SpanId) {
    (None, SpanId::INVALID)
}

/// The spans that have ended, by their names, which each test has of its own.
fn ended() -> HashMap<String, SpanData> {
    EXPORTER.get_finished_spans().unwrap().into_iter().map(|span| (span.name.to_string(), span)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_apis_have_the_same_parent_in_every_child() {
    set_up();
    let work = async {
        let outer = here();
        let task = tokio::spawn(async move {
            assert_eq!(here(), outer);
            tokio::task::yield_now().await;
            let seen = tokio::task::spawn_blocking(|| (here(), thread::spawn(here).join().unwrap())).await.unwrap();
            assert_eq!(seen, (outer, outer));
            info_span!("tracing's child").in_scope(|| ());
            TRACER.in_span("OpenTelemetry's child", |_| ());
            here()
        });
        assert_eq!(task.await.unwrap(), outer);
        assert_eq!(rayon::join(here, here), (outer, outer));
        let inner = tokio::spawn(async { here() }.instrument(info_span!("inner"))).await.unwrap();
        assert_eq!(tokio::spawn_detached(async { here() }).await.unwrap(), nothing());
        (outer, inner)
    };
    let (outer, inner) = work.instrument(info_span!("outer")).await;
    assert_eq!(here(), nothing());
    assert_eq!((outer.0, inner.0), (Some("outer"), Some("inner")));
    let ended = ended();
    assert_eq!(ended["outer"].span_context.span_id(), outer.1, "and it has ended, though it was carried");
    assert_eq!(ended["inner"].span_context.span_id(), inner.1);
    for child in ["inner", "tracing's child", "OpenTelemetry's child"] {
        assert_eq!(ended[child].parent_span_id, outer.1, "{child}");
    }
}

fn tenant() -> Option<String> {
    Context::map_current(|cx| cx.baggage().get("tenant").map(ToString::to_string))
}

#[test]
fn baggage_that_is_attached_within_a_span_is_carried_along_with_it() {
    set_up();
    let (outer, mut context) = info_span!("span around baggage").in_scope(|| {
        let _attached = Context::current().with_baggage([KeyValue::new("tenant", "acme")]).attach();
        (here(), inherit_context())
    });
    let acme = Some("acme".to_owned());
    let seen = info_span!("another span").in_scope(|| {
        let before = here();
        let seen = context.run(|| ((here(), tenant()), thread::spawn(|| (here(), tenant())).join().unwrap()));
        assert_eq!((here(), tenant()), (before, None));
        seen
    });
    assert_eq!(outer.0, Some("span around baggage"));
    assert_eq!(seen, ((outer, acme.clone()), (outer, acme)));
    assert_eq!(here(), nothing());
}

#[tokio::test]
async fn what_is_instrumented_outside_of_a_childs_context_is_in_the_span_of_the_child() {
    set_up();
    let (outside, inside) = info_span!("of the child").in_scope(|| {
        let outside = async { here() }.in_context(inherit_context()).instrument(info_span!("outside"));
        let inside = async { here() }.instrument(info_span!("inside")).in_context(inherit_context());
        (outside, inside)
    });
    let (outside, inside) = (outside.await, inside.await);
    assert_eq!((outside.0, inside.0), (Some("of the child"), Some("inside")));
    let ended = ended();
    assert_eq!(ended["of the child"].span_context.span_id(), outside.1);
    assert_eq!(ended["inside"].span_context.span_id(), inside.1);
    assert_eq!(here(), nothing());
}
