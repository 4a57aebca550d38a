//! Counts the instructions of each operation under valgrind, which no noise on the machine can change, and compares
//! them with the numbers kept in `benches/instructions/baseline.txt`.
//!
//! ```text
//! cargo run --release -p contextvars-benches --bin instructions             # compares; fails if anything grew
//! cargo run --release -p contextvars-benches --bin instructions -- --bless  # stores what it counts
//! ```

mod baggage;
mod baseline;
mod callgrind;
mod layers;
mod operations;

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        // What this program runs under valgrind: itself.
        Some(callgrind::PERFORM) => {
            operations::perform();
            ExitCode::SUCCESS
        }
        Some("--bless") => {
            baseline::store(&callgrind::counts());
            ExitCode::SUCCESS
        }
        None => baseline::compare(&callgrind::counts()),
        Some(other) => {
            eprintln!("unknown argument `{other}`: there is `--bless`, and none");
            ExitCode::FAILURE
        }
    }
}
