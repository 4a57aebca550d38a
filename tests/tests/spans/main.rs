//! tracing's current span, carried by contexts: which work is in which span, and when spans close.
//!
//! A process of its own: the subscriber is the process's, and so is the carrier of spans.

mod contexts;
mod hooks;
mod jobs;
mod lines;
mod tasks;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, mpsc};
use std::task::{Context as TaskContext, Poll, Waker};

use contextvars::context_var;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Span, Subscriber, info, info_span};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context as LayerContext, Layer};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;

#[context_var(default = 0)]
static NUMBER: u64;

/// What the layer has recorded.
#[derive(Default)]
struct Log {
    /// The number of an event, and the numbers of the spans it is in, the innermost first.
    events: Vec<(u64, Vec<u64>)>,
    closed: Vec<u64>,
}

static LOG: LazyLock<Arc<Mutex<Log>>> = LazyLock::new(Arc::default);

struct Recorder;
struct Number(u64);

impl Visit for Number {
    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
    fn record_u64(&mut self, _: &Field, value: u64) {
        self.0 = value;
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: LayerContext<'_, S>) {
        let mut number = Number(0);
        attributes.record(&mut number);
        cx.span(id).unwrap().extensions_mut().insert(number);
    }

    fn on_event(&self, event: &Event<'_>, cx: LayerContext<'_, S>) {
        let mut number = Number(0);
        event.record(&mut number);
        let spans = cx.event_scope(event).into_iter().flatten();
        let spans = spans.filter_map(|span| span.extensions().get::<Number>().map(|number| number.0)).collect();
        LOG.lock().unwrap().events.push((number.0, spans));
    }

    fn on_close(&self, id: Id, cx: LayerContext<'_, S>) {
        let number = cx.span(&id).and_then(|span| span.extensions().get::<Number>().map(|number| number.0));
        LOG.lock().unwrap().closed.extend(number);
    }
}

fn set_up() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        contextvars::tracing::carry_spans();
        // With `--cfg tokio_unstable`, tokio makes spans of its own.
        let filter = Targets::new().with_default(LevelFilter::TRACE).with_target("tokio", LevelFilter::OFF);
        tracing_subscriber::registry().with(filter).with(Recorder).with(lines::layer()).init();
    });
}

/// A number of this test's own.
fn fresh() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

fn span(number: u64) -> Span {
    info_span!("span", number)
}

/// In which spans events are here and now, the innermost first.
fn here() -> Vec<u64> {
    let number = fresh() + (1 << 32);
    info!(number);
    let log = LOG.lock().unwrap();
    let spans = log.events.iter().find(|(event, _)| *event == number).unwrap().1.clone();
    assert_eq!(Span::current().is_none(), spans.is_empty());
    spans
}

fn is_closed(number: u64) -> bool {
    LOG.lock().unwrap().closed.contains(&number)
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut TaskContext::from_waker(Waker::noop()))
}

struct Witness(mpsc::Sender<Vec<u64>>);

impl Witness {
    fn new() -> (Self, mpsc::Receiver<Vec<u64>>) {
        let (sender, seen) = mpsc::channel();
        (Self(sender), seen)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.send(here()).unwrap();
    }
}

/// The number of the span that an event here is in.
fn here_quick() -> Option<u64> {
    let number = fresh() + (1 << 32);
    info!(number);
    let mut log = LOG.lock().unwrap();
    let at = log.events.iter().rposition(|(event, _)| *event == number).unwrap();
    log.events.swap_remove(at).1.first().copied()
}
