//! Spawning tasks, and polling many of them on two threads, with and without a context.

use std::hint::black_box;
use std::time::{Duration, Instant};

use contextvars_benches::variables::{NUMBER, context_of};
use criterion::Criterion;
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("spawn");
    let runtime = Builder::new_current_thread().build().expect("a runtime starts");
    context_of(8).run(|| {
        group.bench_function("tokio::spawn", |b| {
            b.iter_custom(|tasks| {
                runtime.block_on(async {
                    let begin = Instant::now();
                    for _ in 0..tasks {
                        tokio::spawn(async { black_box(1) }).await.expect("the task does not panic");
                    }
                    begin.elapsed()
                })
            });
        });
        group.bench_function("contextvars::tokio::spawn, 8 variables", |b| {
            b.iter_custom(|tasks| {
                runtime.block_on(async {
                    let begin = Instant::now();
                    for _ in 0..tasks {
                        contextvars::tokio::spawn(async { black_box(1) }).await.expect("the task does not panic");
                    }
                    begin.elapsed()
                })
            });
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("poll-heavy tasks on two workers");
    let runtime = Builder::new_multi_thread().worker_threads(2).build().expect("a runtime starts");
    context_of(8).run(|| {
        group.bench_function("tokio::spawn", |b| b.iter_custom(|polls| poll_heavy(&runtime, polls, false)));
        group.bench_function("contextvars::tokio::spawn, 8 variables", |b| {
            b.iter_custom(|polls| poll_heavy(&runtime, polls, true));
        });
        NUMBER.get();
    });
}

/// So many polls, give or take a few, in many tasks that do nothing but yield.
fn poll_heavy(runtime: &Runtime, polls: u64, in_context: bool) -> Duration {
    const TASKS: u64 = 64;

    let task = move || async move {
        for _ in 0..=polls / TASKS {
            yield_now().await;
        }
    };
    runtime.block_on(async {
        let begin = Instant::now();
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| if in_context { contextvars::tokio::spawn(task()) } else { tokio::spawn(task()) })
            .collect();
        for task in tasks {
            task.await.expect("the task does not panic");
        }
        begin.elapsed()
    })
}
