//! Finds and starts the examples, which Cargo builds next to this package's tests.

pub(crate) mod server;

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// The command that runs an example.
pub(crate) fn example(name: &str) -> Command {
    let test = env::current_exe().expect("a test knows its own path");
    let target = test.ancestors().nth(2).expect("tests lie in target/<profile>/deps");
    let path: PathBuf = target.join("examples").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is not built: run `cargo test -p contextvars-examples`", path.display());
    Command::new(path)
}
