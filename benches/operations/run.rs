//! Running an empty closure in a context that is there already.

use std::hint::black_box;

use contextvars_benches::variables::{context_of, variables};
use criterion::Criterion;

use crate::peers::{cpython, fastrace, opentelemetry, tracing};

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("run");
    for count in [8, 4096] {
        let mut context = context_of(count);
        group.bench_function(format!("run, {}", variables(count)), |b| b.iter(|| context.run(|| black_box(()))));
    }
    let context = opentelemetry::context_of_8();
    group.bench_function("opentelemetry clone + attach, 8 values", |b| {
        b.iter(|| {
            let _entered = context.clone().attach();
            black_box(());
        });
    });
    let span = tracing::span();
    group.bench_function("tracing in_scope", |b| b.iter(|| span.in_scope(|| black_box(()))));
    let span = fastrace::span();
    group.bench_function("fastrace set_local_parent", |b| {
        b.iter(|| {
            let _entered = span.set_local_parent();
            black_box(());
        });
    });
    cpython::bench(&mut group, "run");
}
