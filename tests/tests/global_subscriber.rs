//! A logged variable whose `Display` logs: with a subscriber for the whole process, tracing lets it come back in.
//!
//! A process of its own: the subscriber is the process's.

#[path = "support/capture.rs"]
mod capture;

use std::fmt;
use std::sync::{LazyLock, Mutex, PoisonError};

use capture::Capture;
use contextvars::tracing::ContextFormat;
use contextvars::{context_var, with_context};
use tracing::info;

#[context_var(log)]
static CURIOUS: Curious;

struct Curious;

impl fmt::Display for Curious {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info!("from within a Display");
        f.write_str("yes")
    }
}

#[context_var(log)]
static REQUEST_ID: u64;

/// What the subscriber of the process writes; for one test at a time.
static OUTPUT: LazyLock<Mutex<Capture>> = LazyLock::new(|| {
    let output = Capture::default();
    let writer = output.clone();
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_target(false)
        .with_level(false)
        .without_time()
        .with_writer(move || writer.clone())
        .map_event_format(ContextFormat::line)
        .init();
    Mutex::new(output)
});

#[test]
fn a_display_that_logs_is_logged_without_variables_and_once() {
    let output = OUTPUT.lock().unwrap_or_else(PoisonError::into_inner);
    for message in ["hello", "again"] {
        with_context!(REQUEST_ID = 7, CURIOUS = Curious, { info!("{message}") });
        let lines = output.lines();
        assert_eq!((lines.len(), lines[0].as_str()), (2, "from within a Display"));
        assert!(lines[1].starts_with(message) && lines[1].contains(" CURIOUS=yes"), "{lines:?}");
        assert!(lines[1].contains(" REQUEST_ID=7"), "{lines:?}");
    }
}

#[test]
fn a_field_of_an_event_that_logs_is_logged_with_variables_and_does_not_disturb_its_own_line() {
    let output = OUTPUT.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..2 {
        with_context!(REQUEST_ID = 7, { info!(field = %Curious, "hello") });
        assert_eq!(output.lines(), ["from within a Display REQUEST_ID=7", "hello field=yes REQUEST_ID=7"]);
    }
}
