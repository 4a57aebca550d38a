//! A copy of the current context.

use contextvars::{copy_context, inherit_context};
use contextvars_benches::variables::{context_of, variables};
use criterion::Criterion;

use crate::peers::{cpython, dcontext, opentelemetry, tracing};

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("copy context");
    for count in [8, 4096] {
        context_of(count).run(|| {
            group.bench_function(format!("copy_context, {}", variables(count)), |b| b.iter(copy_context));
        });
    }
    {
        let _entered = opentelemetry::context_of_8().attach();
        group.bench_function("opentelemetry current, 8 values", |b| b.iter(::opentelemetry::Context::current));
    }
    context_of(8).run(|| group.bench_function("inherit_context, 8 variables", |b| b.iter(inherit_context)));
    tracing::span().in_scope(|| {
        group.bench_function("tracing Span::current", |b| b.iter(::tracing::Span::current));
    });
    let entered = dcontext::enter_context_of_8();
    group.bench_function("dcontext fork, 8 values", |b| b.iter(::dcontext::fork));
    drop(entered);
    cpython::bench(&mut group, "copy_context");
}
