//! Whole programs on the library and on a model of PEP 567: each does what the other does.
//!
//! They are those of `tests/tests/oracle`, written by the fuzzer: contexts entered, copied, compared and dropped in any
//! order, tokens used where they belong and where they do not, readers held across changes, scopes, guards, threads and
//! panics within one another, and values whose `Drop`, `Clone`, `Debug` and `PartialEq` call back into the library.

#![no_main]

#[path = "../../tests/tests/oracle/library.rs"]
mod library;
#[path = "../../tests/tests/oracle/model/mod.rs"]
mod model;
#[path = "../../tests/tests/oracle/program.rs"]
mod program;
mod written;

use libfuzzer_sys::fuzz_target;

use written::Written;

fuzz_target!(|program: Written| {
    assert_eq!(library::run(&program.0), model::run(&program.0));
});
