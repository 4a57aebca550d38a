//! One poll of a future that has a context of its own.

use std::hint::black_box;
use std::pin::pin;

use ::fastrace::future::FutureExt as _;
use ::opentelemetry::trace::FutureExt as _;
use ::tracing::Instrument as _;
use contextvars::ContextExt;
use contextvars_benches::polling::{Again, poll};
use contextvars_benches::variables::{NUMBER, context_of, variables};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};

use crate::peers::{dcontext, fastrace, opentelemetry, tokio_task_local, tracing};

pub(crate) fn bench(criterion: &mut Criterion) {
    empty(criterion);
    for reads in [1, 3, 10] {
        with_reads(criterion, reads);
    }
    switching(criterion);
}

/// Measures one poll of a future. Each is opaque, as one in a task is: the executor polls through a pointer.
fn bench_poll(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, future: impl Future<Output = ()>) {
    let mut future = pin!(future);
    group.bench_function(name, |b| b.iter(|| poll(black_box(future.as_mut()))));
}

fn empty(criterion: &mut Criterion) {
    use tokio_task_local::{A, B, NUMBER};

    let mut group = criterion.benchmark_group("poll");
    let group = &mut group;
    let nothing = || Again(|| ());
    bench_poll(group, "bare future", nothing());
    bench_poll(group, "tokio task_local! scope", NUMBER.scope(1, nothing()));
    for count in [1, 8, 4096] {
        bench_poll(group, &format!("in_context, {}", variables(count)), nothing().in_context(context_of(count)));
    }
    bench_poll(group, "tokio task_local! 3 scopes", NUMBER.scope(1, A.scope(2, B.scope(3, nothing()))));
    let context = opentelemetry::context_of_8();
    bench_poll(group, "opentelemetry with_context, 8 values", nothing().with_context(context));
    bench_poll(group, "tracing instrument", nothing().instrument(tracing::span()));
    bench_poll(group, "fastrace in_span", nothing().in_span(fastrace::span()));
    let entered = dcontext::enter_context_of_8();
    let store = ::dcontext::fork();
    drop(entered);
    bench_poll(group, "dcontext, 8 values", ::dcontext::ContextFutureExt::with(nothing(), store));
}

fn with_reads(criterion: &mut Criterion, reads: usize) {
    let mut group = criterion.benchmark_group(format!("poll with {reads} read{}", if reads == 1 { "" } else { "s" }));
    let group = &mut group;
    let task_local = Again(move || {
        for _ in 0..reads {
            black_box(tokio_task_local::NUMBER.get());
        }
    });
    bench_poll(group, "tokio task_local! scope", tokio_task_local::NUMBER.scope(1, task_local));
    let ours = Again(move || {
        for _ in 0..reads {
            black_box(NUMBER.get());
        }
    });
    bench_poll(group, "in_context, 8 variables", ours.in_context(context_of(8)));
    let telemetry = Again(move || {
        for _ in 0..reads {
            black_box(opentelemetry::read());
        }
    });
    let context = opentelemetry::context_of_8();
    bench_poll(group, "opentelemetry with_context, 8 values", telemetry.with_context(context));
}

/// Each poll is of another future, with another context: what caches and branch predictors learned does not hold.
fn switching(criterion: &mut Criterion) {
    /// Futures that take turns.
    const FUTURES: usize = 64;

    let mut group = criterion.benchmark_group("poll switching contexts");
    let mut bench = |name: &str, futures: Vec<std::pin::Pin<Box<dyn Future<Output = ()>>>>| {
        let mut futures = futures;
        let mut turn = 0;
        group.bench_function(name, |b| {
            b.iter(|| {
                turn = (turn + 1) % FUTURES;
                futures[turn].as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready()
            });
        });
    };
    let task_local = || Again(|| tokio_task_local::NUMBER.get());
    bench(
        "tokio task_local! scope",
        (0..).take(FUTURES).map(|n| Box::pin(tokio_task_local::NUMBER.scope(n, task_local())) as _).collect(),
    );
    let ours = || Again(|| NUMBER.get()).in_context(context_of(8));
    bench("in_context, 8 variables", (0..FUTURES).map(|_| Box::pin(ours()) as _).collect());
    let telemetry = || Again(opentelemetry::read).with_context(opentelemetry::context_of_8());
    bench("opentelemetry with_context, 8 values", (0..FUTURES).map(|_| Box::pin(telemetry()) as _).collect());
}
