//! Setting a value, and taking that back.

use std::hint::black_box;

use contextvars_benches::variables::{NUMBER, TEXT, context_of, variables};
use criterion::Criterion;

use crate::peers::opentelemetry::Number;
use crate::peers::{cpython, dcontext, fluid_let, opentelemetry, scoped_tls, thread_local, tokio_task_local};

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("set");
    group.bench_function("thread_local! Cell", |b| b.iter(|| thread_local::NUMBER.set(black_box(2))));
    for count in [8, 1000] {
        context_of(count).run(|| {
            group.bench_function(format!("set, {}", variables(count)), |b| {
                b.iter(|| drop(NUMBER.set(black_box(2))));
            });
        });
    }
    context_of(8).run(|| {
        group.bench_function("set String", |b| b.iter(|| drop(TEXT.set(String::new()))));
    });
    let entered = dcontext::enter_context_of_8();
    group.bench_function("dcontext", |b| b.iter(|| ::dcontext::set_context_variable(dcontext::NUMBER, black_box(2))));
    drop(entered);
    cpython::bench(&mut group, "set");
    group.finish();

    set_and_reset(criterion);
}

fn set_and_reset(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("set + reset");
    group.bench_function("thread_local! Cell", |b| {
        b.iter(|| {
            let before = thread_local::NUMBER.replace(black_box(2));
            thread_local::NUMBER.set(black_box(before));
        });
    });
    group.bench_function("malloc + free", |b| b.iter(|| drop(black_box(Box::new(2)))));
    for count in [1, 8, 32, 1000, 4096] {
        context_of(count).run(|| {
            group.bench_function(format!("set + reset, {}", variables(count)), |b| {
                b.iter(|| NUMBER.reset(NUMBER.set(black_box(2))).is_ok());
            });
        });
    }
    context_of(8).run(|| {
        group.bench_function("set_scoped, 8 variables", |b| b.iter(|| drop(NUMBER.set_scoped(black_box(2)))));
    });
    tokio_task_local::NUMBER.sync_scope(1, || {
        group.bench_function("tokio task_local! sync_scope", |b| {
            b.iter(|| tokio_task_local::NUMBER.sync_scope(black_box(2), || black_box(())));
        });
    });
    fluid_let::NUMBER.set(1, || {
        group.bench_function("fluid-let", |b| b.iter(|| fluid_let::NUMBER.set(black_box(2), || black_box(()))));
    });
    scoped_tls::NUMBER.set(&1, || {
        group.bench_function("scoped-tls", |b| b.iter(|| scoped_tls::NUMBER.set(&black_box(2), || black_box(()))));
    });
    for (name, context) in [("1 value", opentelemetry::context_of_1()), ("8 values", opentelemetry::context_of_8())] {
        let _entered = context.attach();
        group.bench_function(format!("opentelemetry with_value + attach, {name}"), |b| {
            b.iter(|| drop(::opentelemetry::Context::current_with_value(Number(black_box(2))).attach()));
        });
    }
    let entered = dcontext::enter_context_of_8();
    group.bench_function("dcontext scope, 8 values", |b| {
        b.iter(|| {
            let scope = ::dcontext::push_scope("inner");
            ::dcontext::set_context_variable(dcontext::NUMBER, black_box(2));
            drop(scope);
        });
    });
    drop(entered);
    cpython::bench(&mut group, "set_and_reset");
}
