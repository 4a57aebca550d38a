//! Runs the operations under callgrind and reads the counts from what it writes.

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs, process};

/// The argument on which this program performs the operations.
pub(crate) const PERFORM: &str = "--perform";

/// How often each operation is repeated for its count; what happens once in a while is spread evenly.
const REPETITIONS: u64 = 4096;

/// An operation and the instructions that one of it takes, rounded to tenths, loop included.
pub(crate) struct Counted {
    pub(crate) name: String,
    pub(crate) instructions: f64,
}

/// Performs an operation so often that its count can be told, after it has been done a few times uncounted.
pub(crate) fn count<R>(name: &str, mut operation: impl FnMut() -> R) {
    println!("{name}");
    for _ in 0..3 {
        black_box(operation());
    }
    counting_begins_here(operation);
    counting_ends_here();
}

/// Where this begins, callgrind writes down what happened since it did so last: everything around the operations.
#[inline(never)]
fn counting_begins_here<R>(mut operation: impl FnMut() -> R) {
    for i in 0..REPETITIONS {
        black_box(i);
        black_box(operation());
    }
}

/// Where this begins, callgrind writes down what happened since it did so last: the operation's repetitions.
#[inline(never)]
fn counting_ends_here() {
    black_box(());
}

/// Counts every operation.
pub(crate) fn counts() -> Vec<Counted> {
    let this_program = env::current_exe().expect("a program knows its own path");
    let output = env::temp_dir().join(format!("contextvars-instructions-{}", process::id()));
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--combine-dumps=yes"])
        .args(["--dump-before=*counting_begins_here*", "--dump-before=*counting_ends_here*"])
        .arg(format!("--callgrind-out-file={}", output.display()))
        .arg(this_program)
        .arg(PERFORM)
        // So that no operation pays for finding a function of the C library.
        .env("LD_BIND_NOW", "1")
        .stderr(Stdio::piped())
        .output()
        .expect("valgrind is installed");
    let report = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "valgrind failed:\n{report}");
    let totals = totals(&output);
    fs::remove_file(&output).expect("callgrind wrote its counts");

    let names: Vec<_> = String::from_utf8_lossy(&run.stdout).lines().map(str::to_owned).collect();
    // One part before each operation and one for it; the last is the end of the program.
    assert_eq!(2 * names.len() + 1, totals.len(), "a count for each operation");
    names
        .into_iter()
        .zip(totals.into_iter().skip(1).step_by(2))
        .map(|(name, total)| Counted { name, instructions: per_operation(total) })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn per_operation(total: u64) -> f64 {
    (total as f64 / REPETITIONS as f64 * 10.0).round() / 10.0
}

/// The total of each part of callgrind's output, in the order in which they were written.
fn totals(output: &Path) -> Vec<u64> {
    let text = fs::read_to_string(output).expect("callgrind writes its counts");
    text.lines()
        .filter_map(|line| line.strip_prefix("summary: "))
        .map(|total| total.trim().parse().expect("one number of instructions"))
        .collect()
}
