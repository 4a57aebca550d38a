//! Every mistake in `cases/` is refused, and the compiler says what the file beside it says.

mod snapshots;

use std::env;
use std::process::Command;

use snapshots::snapshots_apply;

/// What rustdoc sets while it compiles a doctest.
const RUSTDOC_TEST_PATH: &str = "UNSTABLE_RUSTDOC_TEST_PATH";

#[test]
fn every_mistake_is_refused_with_its_message() {
    if !snapshots_apply() {
        return;
    }
    let cases = trybuild::TestCases::new();
    for folder in ["context", "context_var", "features", "test", "token", "with_context"] {
        cases.compile_fail(format!("cases/{folder}/*.rs"));
    }
}

#[test]
fn a_doctest_without_main_is_refused_with_its_message() {
    if !snapshots_apply() {
        return;
    }
    let this = env::current_exe().expect("a test knows its program");
    let status = Command::new(this)
        .args(["--exact", "as_rustdoc_would", "--ignored"])
        .env(RUSTDOC_TEST_PATH, "src/lib.rs")
        .env("UNSTABLE_RUSTDOC_TEST_LINE", "1")
        .status()
        .expect("a test can run itself");
    assert!(status.success());
}

#[test]
#[ignore = "the test above runs it, with rustdoc's environment"]
fn as_rustdoc_would() {
    if env::var_os(RUSTDOC_TEST_PATH).is_some() {
        trybuild::TestCases::new().compile_fail("cases/doctest/*.rs");
    }
}
