//! [`Attached`]: a piece of work is running on this thread, with its OpenTelemetry context attached.

use std::cell::Cell;
#[cfg(target_has_atomic = "64")]
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(target_has_atomic = "64"))]
use std::sync::{Mutex, PoisonError};
use std::thread::AccessError;

use opentelemetry::{Context, ContextGuard};

/// Tells one piece of work from all others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Work(u64);

impl Work {
    pub(crate) fn new() -> Self {
        Self(count_on())
    }
}

/// A number that nobody had before.
#[cfg(target_has_atomic = "64")]
fn count_on() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The same for processors that cannot count so far in one step.
#[cfg(not(target_has_atomic = "64"))]
fn count_on() -> u64 {
    static NEXT: Mutex<u64> = Mutex::new(0);
    let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
    *next += 1;
    *next
}

thread_local! {
    static RUNNING: Running = {
        // OpenTelemetry's own thread-local is to be there as long as this one is. The last to come is the first to go.
        Context::map_current(|_| ());
        Running(Cell::new(None))
    };
}

/// The innermost work that runs on this thread.
struct Running(Cell<Option<Work>>);

impl Drop for Running {
    /// Does nothing, but that there is one makes the thread-local inaccessible when its time has come.
    fn drop(&mut self) {}
}

/// Lives while a piece of work runs; on this thread, since OpenTelemetry's guard cannot leave it.
pub(crate) struct Attached {
    outer: Option<Work>,
    /// Dropped after `drop` is done: whatever spans do at their end, they find everything as it was outside.
    _guard: ContextGuard,
}

impl Attached {
    /// Attaches `cx` for `work`. `None`: this thread is about to end, and OpenTelemetry has no place for it any more.
    pub(crate) fn new(cx: &Context, work: Work) -> Option<Self> {
        let attach = |running: &Running| {
            let guard = cx.clone().attach();
            Self { outer: running.0.replace(Some(work)), _guard: guard }
        };
        RUNNING.try_with(attach).ok()
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // Without a thread-local, there is nothing to put back.
        let _ = RUNNING.try_with(|running| running.0.set(self.outer));
    }
}

/// The innermost work that runs on this thread. An error: this thread is about to end.
pub(crate) fn running() -> Result<Option<Work>, AccessError> {
    RUNNING.try_with(|running| running.0.get())
}
