//! A logged variable whose `Display` logs: with a subscriber for the whole process, tracing lets it come back in.

#[path = "support/capture.rs"]
mod capture;

use std::fmt;

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

#[test]
fn a_display_that_logs_is_logged_without_variables_and_once() {
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
    with_context!(CURIOUS = Curious, { info!("hello") });
    assert_eq!(output.lines(), ["from within a Display", "hello CURIOUS=yes"]);
    with_context!(CURIOUS = Curious, { info!("again") });
    assert_eq!(output.lines(), ["from within a Display", "again CURIOUS=yes"]);
}
