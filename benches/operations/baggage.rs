//! Baggage written to a header, and read from one.

use contextvars::{Context, baggage};
use contextvars_benches::baggage::{Header, context, opentelemetry_context};
use criterion::Criterion;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_sdk::propagation::BaggagePropagator;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut header = Header::default();
    let mut group = criterion.benchmark_group("baggage");
    context().run(|| {
        group.bench_function("inject, 4 variables", |b| b.iter(|| baggage::inject(&mut header)));
    });
    group.bench_function("extract, 4 variables", |b| b.iter(|| baggage::extract(&header, Context::new())));

    let propagator = BaggagePropagator::new();
    let cx = opentelemetry_context();
    group.bench_function("opentelemetry inject_context, 4 members", |b| {
        b.iter(|| propagator.inject_context(&cx, &mut header));
    });
    group.bench_function("opentelemetry extract_with_context, 4 members", |b| {
        b.iter(|| propagator.extract_with_context(&opentelemetry::Context::new(), &header));
    });
}
