//! Two threads that read one inherited value, or copy one context, at the same time, against one thread that does alone.

use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use ::opentelemetry::Context;
use contextvars::copy_context;
use contextvars_benches::variables::{NUMBER, SHARED, TEXT, context_of};
use criterion::Criterion;

use crate::peers::opentelemetry::{self, Number};

pub(crate) fn bench(criterion: &mut Criterion) {
    in_context(criterion, "get i32", || NUMBER.get());
    in_context(criterion, "with String", || TEXT.with(String::len));
    in_context(criterion, "with Arc<str>", || SHARED.with(|shared| shared.len()));
    in_context(criterion, "get Arc<str>", || SHARED.get());
    in_context(criterion, "copy_context", copy_context);

    let context = opentelemetry::context_of_8();
    let copied = context.clone();
    scaling(criterion, "opentelemetry current", |reads| {
        let context = copied.clone();
        move || {
            let _entered = context.attach();
            repeat(reads, Context::current);
        }
    });
    scaling(criterion, "opentelemetry current().get", |reads| {
        let context = context.clone();
        move || {
            let _entered = context.attach();
            repeat(reads, || Context::current().get::<Number>().map(|number| number.0));
        }
    });
}

/// Reads in copies of one context.
fn in_context<R>(criterion: &mut Criterion, name: &str, read: impl Fn() -> R + Copy + Send + 'static) {
    let context = context_of(8);
    scaling(criterion, name, |reads| {
        let mut context = context.clone();
        move || context.run(|| repeat(reads, read))
    });
}

fn repeat<R>(times: u64, read: impl Fn() -> R) {
    for _ in 0..times {
        black_box(read());
    }
}

/// Times what `work` makes on one thread, and on two at once.
fn scaling<W: FnOnce() + Send + 'static>(criterion: &mut Criterion, name: &str, work: impl Fn(u64) -> W) {
    let mut group = criterion.benchmark_group(format!("threads, {name}"));
    for threads in [1, 2] {
        let name = if threads == 1 { "1 thread" } else { "2 threads" };
        group.bench_function(name, |b| b.iter_custom(|reads| at_once(threads, || work(reads))));
    }
}

/// How long each of the threads took for its work, on average. Where they do not disturb each other, two take as long
/// as one.
fn at_once<W: FnOnce() + Send + 'static>(threads: u32, work: impl Fn() -> W) -> Duration {
    let barrier = Arc::new(Barrier::new(threads as usize));
    let running: Vec<_> = (0..threads)
        .map(|_| {
            let barrier = Arc::clone(&barrier);
            let work = work();
            thread::spawn(move || {
                barrier.wait();
                let begin = Instant::now();
                work();
                begin.elapsed()
            })
        })
        .collect();
    running.into_iter().map(|thread| thread.join().expect("reading does not panic")).sum::<Duration>() / threads
}
