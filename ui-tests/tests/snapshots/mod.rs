//! Whether the compiler is the one whose words the snapshots hold.

use std::env;
use std::io::Write;
use std::process::Command;

/// What the snapshots were made with: the compiler's words change from version to version.
const SNAPSHOTS_FROM: &str = include_str!("../../compiler-version");

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
pub(crate) fn snapshots_apply() -> bool {
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
