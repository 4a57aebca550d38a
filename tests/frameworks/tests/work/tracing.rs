//! tracing-subscriber: lines with the variables of the request that writes them.

use std::io::{self, Write};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use contextvars::tracing::ContextFormat;
use contextvars::with_context;
use tracing::subscriber::with_default;
use tracing::{Subscriber, info};

use super::TENANT;

/// The lines that are written.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output {
    fn wrapped(&self) -> impl Subscriber + use<> {
        let lines = tracing_subscriber::fmt().json().map_event_format(ContextFormat::json);
        let output = self.clone();
        lines.with_writer(move || output.clone()).finish()
    }

    fn plain(&self) -> impl Subscriber + use<> {
        let output = self.clone();
        tracing_subscriber::fmt().json().with_writer(move || output.clone()).finish()
    }

    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

#[test]
fn a_line_has_the_variables_of_its_request_if_the_format_is_wrapped() {
    let (output, meeting) = (Output::default(), Barrier::new(2));
    let request = |tenant: &str| {
        with_default(output.wrapped(), || {
            with_context!(TENANT = tenant.to_owned(), {
                meeting.wait();
                info!(tenant, "accepted");
            });
        });
    };
    thread::scope(|scope| {
        scope.spawn(|| request("acme"));
        scope.spawn(|| request("globex"));
    });
    let lines = output.lines();
    assert_eq!(lines.len(), 2);
    for line in lines {
        let tenant = if line.contains("acme") { "acme" } else { "globex" };
        assert!(line.contains(&format!(r#""context":{{"TENANT":"{tenant}"}}"#)), "{line}");
    }

    let output = Output::default();
    with_default(output.plain(), || with_context!(TENANT = "acme".to_owned(), { info!("accepted") }));
    assert!(!output.lines()[0].contains("acme"));
}

#[test]
fn a_line_of_a_thread_that_does_not_inherit_has_no_variables() {
    let output = Output::default();
    with_context!(TENANT = "acme".to_owned(), {
        let subscriber = output.wrapped();
        thread::spawn(|| with_default(subscriber, || info!("accepted"))).join().unwrap();
    });
    assert!(output.lines()[0].contains("accepted") && !output.lines()[0].contains("context"));
}
