//! A line of text in the log, and what it costs to say on it whose it is.

use std::io;

use contextvars::tracing::ContextFormat;
use contextvars_benches::variables::context_of;
use criterion::Criterion;
use tracing::subscriber::with_default;
use tracing::{info, info_span};
use tracing_subscriber::fmt;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("log line");
    let lines = || fmt().with_ansi(false).without_time().with_writer(io::sink);
    context_of(2).run(|| {
        with_default(lines().map_event_format(ContextFormat::line).finish(), || {
            group.bench_function("2 variables", |b| b.iter(|| info!("accepted")));
        });
    });
    with_default(lines().finish(), || {
        group.bench_function("plain", |b| b.iter(|| info!("accepted")));
        let span = || info_span!("request", number = 1, text = "a request's id");
        span().in_scope(|| group.bench_function("tracing in a span of 2 fields", |b| b.iter(|| info!("accepted"))));
        group.bench_function("tracing with a span of 2 fields", |b| b.iter(|| span().in_scope(|| info!("accepted"))));
    });
}
