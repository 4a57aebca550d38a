//! Whole programs on the library and on a model of PEP 567, slow and obvious: each does what the other does.
//!
//! The programs hold readers live across sets, nest runs, guards, scopes and threads in one another, fail in the
//! middle, and have values whose `Drop`, `Clone`, `Debug` and `PartialEq` call back into the library.

mod library;
mod made_up;
mod model;
mod program;

use std::env;

use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, RngAlgorithm};

/// Five hundred programs, or `PROPTEST_CASES`; those that failed once are kept, and come first.
fn config() -> ProptestConfig {
    let cases = env::var_os("PROPTEST_CASES").is_none().then_some(500);
    let kept = FileFailurePersistence::Direct("tests/oracle/regressions.txt");
    let config = ProptestConfig::default();
    ProptestConfig {
        cases: cases.unwrap_or(config.cases),
        failure_persistence: Some(Box::new(kept)),
        // Most of the time goes into random numbers, without optimisation; these need not be hard to guess.
        rng_algorithm: RngAlgorithm::XorShift,
        ..config
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_program_does_what_the_model_of_the_pep_does(program in made_up::programs()) {
        prop_assert_eq!(library::run(&program), model::run(&program));
    }
}
