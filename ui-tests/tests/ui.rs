//! Every mistake in `cases/` is refused, and the compiler says what the file beside it says.

use std::env;
use std::io::Write;
use std::process::Command;

/// What the snapshots were made with: the compiler's words change from version to version.
const SNAPSHOTS_FROM: &str = include_str!("../compiler-version");

/// What rustdoc sets while it compiles a doctest.
const RUSTDOC_TEST_PATH: &str = "UNSTABLE_RUSTDOC_TEST_PATH";

/// The version of the compiler that builds the cases, as `1.95`.
fn compiler_version() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("`rustc --version` runs");
    let text = String::from_utf8(output.stdout).expect("`rustc --version` prints text");
    let version = text.split_whitespace().nth(1).expect("a version follows the name");
    if version.contains('-') {
        // A nightly or beta is not the release whose number it bears.
        return version.to_owned();
    }
    version.rsplit_once('.').map_or(version, |(minor, _)| minor).to_owned()
}

/// Whether the snapshots are of this compiler; says so if not.
fn snapshots_apply() -> bool {
    let (made_with, found) = (SNAPSHOTS_FROM.trim(), compiler_version());
    if made_with != found {
        // Past the test harness, which shows only the output of tests that fail.
        let _ = writeln!(
            std::io::stderr(),
            "NOTICE: the messages in ui-tests/cases were recorded with Rust {made_with}; this is Rust {found}, so they were NOT \
             compared. Run this test with Rust {made_with}, or record them anew: put {found} into ui-tests/compiler-version and \
             set TRYBUILD=overwrite."
        );
    }
    made_with == found
}

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
