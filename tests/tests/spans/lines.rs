//! The lines that tracing-subscriber writes when spans are entered and left, where spans are carried.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use contextvars::{Context, ContextExt, inherit_context, thread, tokio, with_context};
use tracing::level_filters::LevelFilter;
use tracing::{Instrument, Span, Subscriber, info_span};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt as format;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::registry::LookupSpan;

use super::{NUMBER, set_up};

static WRITTEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        WRITTEN.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes when the spans of this module are entered and left.
pub(super) fn layer<S: Subscriber + for<'s> LookupSpan<'s>>() -> impl Layer<S> {
    let lines = format::layer().with_span_events(FmtSpan::ENTER | FmtSpan::EXIT);
    let lines = lines.with_writer(|| Lines).without_time().with_target(false).with_level(false).with_ansi(false);
    lines.with_filter(Targets::new().with_target(module_path!(), LevelFilter::TRACE))
}

/// Has the lines of one test at a time written, and none of those that there were.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    set_up();
    let guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    WRITTEN.lock().unwrap().clear();
    guard
}

/// The lines since the last call, without white space at their ends.
fn lines() -> Vec<String> {
    let written = std::mem::take(&mut *WRITTEN.lock().unwrap());
    String::from_utf8(written).unwrap().lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn a_span_that_is_current_already_is_not_entered_again() {
    let _guard = one_at_a_time();
    let mut context = info_span!("a").in_scope(|| {
        let mut child = inherit_context();
        child.run(|| inherit_context().run(|| with_context!(NUMBER = 1, { drop(inherit_context()) })));
        pollster::block_on(async {}.in_context(inherit_context()));
        drop(async {}.in_inherited_context());
        Context::new().run(|| ());
        child
    });
    assert_eq!(lines(), ["a: enter", "a: exit"]);
    context.run(|| inherit_context().run(|| ()));
    assert_eq!(lines(), ["a: enter", "a: exit"]);
}

#[test]
fn a_task_enters_its_span_at_each_poll_and_when_it_is_dropped() {
    let _guard = one_at_a_time();
    let runtime = ::tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let task = info_span!("a").in_scope(|| tokio::spawn(tokio::task::yield_now()));
        assert_eq!(lines(), ["a: enter", "a: exit"]);
        task.await.unwrap();
    });
    let polls = lines();
    // Two polls, and the drop of the future that is done.
    assert_eq!(polls, ["a: enter", "a: exit"].repeat(3));
}

#[test]
fn a_subscriber_that_is_set_for_a_thread_is_not_carried_to_others() {
    let _guard = one_at_a_time();
    let runtime = ::tokio::runtime::Builder::new_current_thread().build().unwrap();
    let here = || Span::current().metadata().map(tracing::Metadata::name);
    tracing::subscriber::with_default(tracing_subscriber::registry(), || {
        let (task, thread) = info_span!("a").in_scope(|| {
            let _in = runtime.enter();
            (tokio::spawn(async move { here() }), thread::spawn(here))
        });
        assert_eq!(runtime.block_on(task).unwrap(), Some("a"), "on this thread");
        assert_eq!(thread.join().unwrap(), None);
    });
    assert_eq!(lines(), [""; 0]);
}

#[test]
fn a_span_of_the_childs_own_is_entered_within_the_one_that_is_carried() {
    let _guard = one_at_a_time();
    let thread = info_span!("a").in_scope(|| thread::spawn(|| info_span!("b").in_scope(|| ())));
    thread.join().unwrap();
    let lines = lines();
    let of_thread: Vec<_> = lines.iter().filter(|line| line.contains('b')).collect();
    assert_eq!(of_thread, ["a:b: enter", "a:b: exit"]);
    assert_eq!(lines.iter().filter(|line| *line == "a: enter").count(), 2);
    assert_eq!(lines.iter().filter(|line| *line == "a: exit").count(), 2);
}

/// As with tracing alone, which does not look at what is current: the span is open as long, and its lines are twice
/// there.
#[test]
fn an_instrument_with_the_same_span_that_was_left_in_place_enters_it_within_itself() {
    let _guard = one_at_a_time();
    let runtime = ::tokio::runtime::Builder::new_current_thread().build().unwrap();
    let task = info_span!("a").in_scope(|| {
        let _in = runtime.enter();
        tokio::spawn(async { tracing::info!("here") }.in_current_span())
    });
    lines();
    runtime.block_on(task).unwrap();
    let lines = lines();
    assert_eq!(lines[..5], ["a: enter", "a: enter", "a: here", "a: exit", "a: exit"]);
}
