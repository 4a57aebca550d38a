//! What several tests need: values that count themselves, and the message and place of a panic.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};

/// Counts how many of its clones and values are alive.
#[derive(Clone, Default)]
pub(crate) struct Census(Arc<AtomicUsize>);

impl Census {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn alive(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn citizen(&self) -> Citizen {
        self.0.fetch_add(1, Ordering::SeqCst);
        Citizen(self.clone())
    }
}

/// Something that a [`Census`] counts while it lives.
pub(crate) struct Citizen(Census);

impl Clone for Citizen {
    fn clone(&self) -> Self {
        self.0.citizen()
    }
}

impl Drop for Citizen {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A panic's message and the place it was reported at.
#[derive(Debug)]
pub(crate) struct Panicked {
    pub(crate) message: String,
    pub(crate) file: String,
    pub(crate) line: u32,
}

thread_local! {
    /// Whether a panic on this thread is to be recorded rather than reported.
    static RECORDING: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<Panicked>> = const { RefCell::new(None) };
}

/// Runs `f`, which must panic, and returns what was reported. Nothing is printed.
pub(crate) fn panic_of<R>(f: impl FnOnce() -> R) -> Panicked {
    // The hook is the whole process's, and other tests run meanwhile: it is set once and never taken away.
    static RECORDER: Once = Once::new();
    RECORDER.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !RECORDING.get() {
                return report(info);
            }
            let message = info.payload_as_str().unwrap_or("not a string").to_owned();
            let place = info.location().expect("panics have places");
            let panicked = Panicked { message, file: place.file().to_owned(), line: place.line() };
            LAST.with(|last| *last.borrow_mut() = Some(panicked));
        }));
    });
    let outer = RECORDING.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    RECORDING.set(outer);
    assert!(result.is_err(), "it must panic");
    LAST.with(|last| last.borrow_mut().take()).expect("the hook ran on this thread")
}
