//! The panic hook. It is the process's, so each case is a process of its own: an ignored test.

use std::env;
use std::panic::set_hook;
use std::process::Command;

use contextvars::{install_panic_hook, tokio, with_context};

use super::TENANT;

/// Runs an ignored test, and returns the lines that its panics have written about variables.
fn written(case: &str) -> Vec<String> {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", case, "--ignored", "--nocapture", "--test-threads=1"]).env("RUST_BACKTRACE", "0");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    let mut lines: Vec<_> = text.lines().filter(|line| line.contains("TENANT")).map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Two requests at once, each of which panics.
async fn panic_in_two_requests() {
    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(2));
    let requests = ["acme", "globex"].map(|tenant| {
        let barrier = barrier.clone();
        tokio::spawn(with_context!(TENANT = tenant.to_owned(), async move {
            barrier.wait().await;
            panic!("no stock");
        }))
    });
    for request in requests {
        assert!(request.await.unwrap_err().is_panic());
    }
}

#[test]
#[ignore = "a process of its own"]
fn installed() {
    contextvars::install_panic_hook();
    tokio::runtime::Runtime::new().unwrap().block_on(panic_in_two_requests());
}

#[test]
fn a_panic_says_whose_request_it_was_in() {
    let expected = ["acme", "globex"].map(|tenant| format!("context variables of the panic: TENANT={tenant}"));
    assert_eq!(written("panic_hook::installed"), expected);
}

#[test]
#[ignore = "a process of its own"]
fn replaced() {
    install_panic_hook();
    set_hook(Box::new(|panic| eprintln!("{panic}")));
    tokio::runtime::Runtime::new().unwrap().block_on(panic_in_two_requests());
}

#[test]
fn a_hook_that_is_set_afterwards_replaces_it() {
    assert!(written("panic_hook::replaced").is_empty());
}
