//! A test of this program in a process of its own, where it changes or prints what is the process's.

use std::env;
use std::process::{Command, Output};

/// The command that runs one test, which may be an ignored one, of the module with this path.
pub(crate) fn running(module_path: &str, test: &str) -> Command {
    let (_, module) = module_path.split_once("::").expect("tests stand in modules");
    let mut command = Command::new(env::current_exe().expect("a test knows its own path"));
    command.args(["--exact", &format!("{module}::{test}"), "--include-ignored", "--nocapture", "--test-threads=1"]);
    command
}

/// Returns the output of such a command, whose test must have run and passed.
#[track_caller]
pub(crate) fn passed(output: Output) -> Output {
    let has_run = String::from_utf8_lossy(&output.stdout).contains("test result: ok. 1 passed;");
    assert!(output.status.success() && has_run, "{output:?}");
    output
}
