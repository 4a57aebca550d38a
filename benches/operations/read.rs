//! Reading a value.

use std::collections::HashMap;
use std::sync::Arc;

use contextvars::Context;
use contextvars_benches::variables::{
    DEFAULTED, NUMBER, SHARED, TEXT, UNSET, context_of, context_with, numbers, variables,
};
use criterion::Criterion;

use crate::peers::{cpython, dcontext, fastrace, fluid_let, opentelemetry, scoped_tls, thread_local};
use crate::peers::{tokio_task_local, tracing};

/// How many variables are set, in the contexts in which values of several types are read.
const SIZES: [usize; 5] = [1, 8, 32, 128, 1000];

pub(crate) fn bench(criterion: &mut Criterion) {
    number(criterion);
    called(criterion);
    text(criterion);
    shared(criterion);
    not_set(criterion);
    at_random(criterion);
}

/// Reads of 1,024 variables in an order that no cache can foresee.
fn at_random(criterion: &mut Criterion) {
    let numbers = numbers();
    let step = 611; // odd, so all of 1,024 have their turn
    let mut context =
        numbers.iter().take(1_024).zip(0..).fold(Context::new(), |ctx, (var, value)| ctx.with(var, value));
    let map: HashMap<usize, i32> = (0..1_024).zip(0..).collect();
    let mut group = criterion.benchmark_group("read of one of 1,024 values, at random");
    context.run(|| {
        let mut at = 0;
        group.bench_function("get", |b| {
            b.iter(|| {
                at = (at + step) % 1_024;
                numbers[at].get()
            });
        });
    });
    let mut at = 0;
    group.bench_function("HashMap of std", |b| {
        b.iter(|| {
            at = (at + step) % 1_024;
            map.get(&at).copied()
        });
    });
    group.finish();
}

fn number(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read i32");
    group.bench_function("thread_local! Cell", |b| b.iter(|| thread_local::NUMBER.get()));
    tokio_task_local::NUMBER.sync_scope(1, || {
        group.bench_function("tokio task_local! get", |b| b.iter(|| tokio_task_local::NUMBER.get()));
    });
    for count in [1, 8, 16, 32, 128, 1000, 4096] {
        context_with(&NUMBER, 1, count).run(|| {
            group.bench_function(format!("get, {}", variables(count)), |b| b.iter(|| NUMBER.get()));
        });
    }
    for count in SIZES {
        context_with(&NUMBER, 1, count).run(|| {
            group.bench_function(format!("with, {}", variables(count)), |b| b.iter(|| NUMBER.with(|number| *number)));
        });
    }
    tokio_task_local::NUMBER.sync_scope(1, || {
        group.bench_function("tokio task_local! with", |b| {
            b.iter(|| tokio_task_local::NUMBER.with(|number| *number));
        });
    });
    for (name, context) in [("1 value", opentelemetry::context_of_1()), ("8 values", opentelemetry::context_of_8())] {
        let _entered = context.attach();
        group.bench_function(format!("opentelemetry map_current, {name}"), |b| b.iter(opentelemetry::read));
    }
    tracing::span().in_scope(|| {
        group.bench_function("tracing span extension", |b| b.iter(tracing::read));
    });
    fluid_let::NUMBER.set(1, || {
        group.bench_function("fluid-let", |b| b.iter(|| fluid_let::NUMBER.copied()));
    });
    scoped_tls::NUMBER.set(&1, || {
        group.bench_function("scoped-tls", |b| b.iter(|| scoped_tls::NUMBER.with(|number| *number)));
    });
    {
        let _entered = dcontext::enter_context_of_8();
        group.bench_function("dcontext, 8 values", |b| b.iter(dcontext::read));
    }
    {
        let span = fastrace::span();
        let _entered = span.set_local_parent();
        group.bench_function("fastrace span identity", |b| b.iter(fastrace::read));
    }
    cpython::bench(&mut group, "get");
}

/// A loop that reads one variable over and over keeps most of what a read needs in registers. A function that is called
/// starts afresh, as reads in programs do.
fn called(criterion: &mut Criterion) {
    #[inline(never)]
    fn ours() -> i32 {
        NUMBER.get()
    }
    #[inline(never)]
    fn task_local() -> i32 {
        tokio_task_local::NUMBER.get()
    }
    #[inline(never)]
    fn thread_local() -> i32 {
        thread_local::NUMBER.get()
    }

    let mut group = criterion.benchmark_group("read i32 in a function that is called");
    group.bench_function("thread_local! Cell", |b| b.iter(thread_local));
    tokio_task_local::NUMBER.sync_scope(1, || {
        group.bench_function("tokio task_local! get", |b| b.iter(task_local));
    });
    for count in [1, 8, 16, 32, 128, 1000, 4096] {
        context_with(&NUMBER, 1, count).run(|| {
            group.bench_function(format!("get, {}", variables(count)), |b| b.iter(ours));
        });
    }
}

fn text(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read String");
    thread_local::TEXT.with(|text| {
        group.bench_function("thread_local! RefCell clone", |b| b.iter(|| text.borrow().clone()));
    });
    tokio_task_local::TEXT.sync_scope("a request's id".to_owned(), || {
        group.bench_function("tokio task_local! get", |b| b.iter(|| tokio_task_local::TEXT.get()));
        group.bench_function("tokio task_local! with", |b| b.iter(|| tokio_task_local::TEXT.with(String::len)));
    });
    for count in SIZES {
        context_with(&TEXT, "a request's id".to_owned(), count).run(|| {
            group.bench_function(format!("get, {}", variables(count)), |b| b.iter(|| TEXT.get()));
            group.bench_function(format!("with, {}", variables(count)), |b| b.iter(|| TEXT.with(String::len)));
        });
    }
}

fn shared(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read Arc<str>");
    tokio_task_local::SHARED.sync_scope(Arc::from("a request's id"), || {
        group.bench_function("tokio task_local! get", |b| b.iter(|| tokio_task_local::SHARED.get()));
        group.bench_function("tokio task_local! with", |b| {
            b.iter(|| tokio_task_local::SHARED.with(|shared| shared.len()));
        });
    });
    for count in SIZES {
        context_with(&SHARED, Arc::from("a request's id"), count).run(|| {
            group.bench_function(format!("get, {}", variables(count)), |b| b.iter(|| SHARED.get()));
            group.bench_function(format!("with, {}", variables(count)), |b| b.iter(|| SHARED.with(|it| it.len())));
        });
    }
}

fn not_set(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read default");
    context_of(8).run(|| {
        group.bench_function("get", |b| b.iter(|| DEFAULTED.get()));
        group.bench_function("with", |b| b.iter(|| DEFAULTED.with(|number| *number)));
    });
    cpython::bench(&mut group, "get_default");
    group.finish();

    let mut group = criterion.benchmark_group("read unset");
    group.bench_function("tokio task_local! try_get", |b| b.iter(|| tokio_task_local::NUMBER.try_get().is_ok()));
    context_of(8).run(|| {
        group.bench_function("try_get", |b| b.iter(|| UNSET.try_get().is_ok()));
        group.bench_function("try_with", |b| b.iter(|| UNSET.try_with(|number| *number).is_ok()));
        group.bench_function("get_or", |b| b.iter(|| UNSET.get_or(1)));
    });
    {
        let _entered = ::opentelemetry::Context::new().attach();
        group.bench_function("opentelemetry map_current", |b| b.iter(opentelemetry::read));
    }
    cpython::bench(&mut group, "get_or");
}
