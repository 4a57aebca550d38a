//! Random programs on this library and on Python's own `contextvars`, whose traces must be the same, line by line.
//!
//! Two thousand programs run by default. More of them, and others:
//!
//! ```text
//! CONTEXTVARS_PROGRAMS=100000 cargo test -p contextvars-tests python::differential -- --nocapture
//! CONTEXTVARS_SEED=123 CONTEXTVARS_PROGRAMS=1 cargo test -p contextvars-tests python::differential -- --nocapture
//! ```
//!
//! The first program has the seed `CONTEXTVARS_SEED` (0), the next that plus one, and so on. `CONTEXTVARS_PYTHON` names
//! the Python to compare with (`python3`); without one, nothing is compared, and the test says so. `ci/python.sh` compares
//! with CPython 3.14.

mod generator;
mod machine;
mod program;
mod python;
mod shrinker;
mod variables;

use std::env;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::slice;

use program::Program;
use python::Python;

/// How many programs are on their way at once.
const BATCH: u64 = 500;

/// A number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    match env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} must be a number, but it is `{text}`")),
        Err(_) => default,
    }
}

/// Shrinks a program whose traces differ and says how they do.
fn report(python: &mut Python, seed: u64, program: Program) -> String {
    let smallest = shrinker::smallest(program, |candidates| {
        let theirs = python.run(candidates);
        candidates.iter().zip(theirs).position(|(candidate, theirs)| machine::run(candidate) != theirs)
    });
    let (theirs, ours) = (python.run(slice::from_ref(&smallest)).remove(0), machine::run(&smallest));
    let mut text = format!("the program with seed {seed} differs; at its smallest it is\n{smallest}\n");
    text.push_str("and its traces are (Python | this library)\n");
    for line in 0..theirs.len().max(ours.len()) {
        let [theirs, ours] = [&theirs, &ours].map(|trace| trace.get(line).map_or("", String::as_str));
        let mark = if theirs == ours { ' ' } else { '!' };
        let _ = writeln!(text, "{mark} {theirs:40} | {ours}");
    }
    text
}

#[test]
fn random_programs_do_what_they_do_in_python() {
    let mut python = match Python::start() {
        Ok(python) => python,
        Err(reason) => {
            // Past the test's captured output: that nothing was tested must be seen.
            return writeln!(io::stderr(), "skipped, nothing was compared: {reason}").expect("errors can be printed");
        }
    };
    let (first, count) = (setting("CONTEXTVARS_SEED", 0), setting("CONTEXTVARS_PROGRAMS", 2_000));
    let mut seed = first;
    while seed < first + count {
        let seeds = seed..(seed + BATCH).min(first + count);
        seed = seeds.end;
        let programs: Vec<Program> = seeds.clone().map(generator::program).collect();
        let traces = python.run(&programs);
        for ((seed, program), theirs) in seeds.zip(programs).zip(traces) {
            assert!(machine::run(&program) == theirs, "{}", report(&mut python, seed, program));
        }
        if count > 1_000 && (seed - first) % (20 * BATCH) == 0 {
            println!("{} programs, all alike", seed - first);
        }
    }
    println!("{count} programs, all alike, on {}", python.version());
}

/// Parts of lines that must turn up in traces, or the programs do not try what they should.
const OUTCOMES: [&str; 77] = [
    "get V0: LookupError",
    "get V3: 300",
    "get V3: \"300\"",
    "get V5: 1",
    "get V5: \"1\"",
    "get V0 or: 2",
    "set V5: t0",
    "t0: ok",
    ": RuntimeError",
    ": ValueError: variable",
    ": ValueError: context",
    "t0 of V5: missing",
    "t1 of V5: 2",
    ": used",
    "copy: c0",
    "new: c0",
    "clone: c1",
    "clone c0: not to be seen",
    "V5 in c0: true",
    "V5 in c0: false",
    "V5 in current: true",
    "c0[V5]: 1",
    "c0[V5]: KeyError",
    "c0.get(V5): 1",
    "c0.get(V5): null",
    "c0.get(V5): not to be seen",
    "len(c0): 3",
    "len(current): 3",
    "keys of c0: V4 V5",
    "values of c0: 1 2",
    "V4=1 V5=2",
    "c0 == c1: true",
    "c0 == c1: false",
    "current == c0: true",
    "current == c0: false",
    "unset V0: t",
    "unset V5: t0",
    "unset V1: no token",
    "c0 to c1: V",
    "c0 to c0: ",
    "c0 to current: V",
    "current to c0: V",
    "c0 to current: not to be seen",
    "V5=1->2",
    "V5=\"1\"->\"2\"",
    "V5=2->",
    "V5=->2",
    " V5=->2",
    "run c0 {",
    "run c0: RuntimeError",
    "} of wrapped",
    "} of own copy: V",
    "} of scope",
    "guard of V5",
    "caught",
    "not failed",
    "finally",
    "thread: ok",
    "thread: failed",
    "inheriting thread: ok",
    "inheriting thread: failed",
    "late thread: ok",
    "late thread: failed",
    "} of k0: paused",
    "} of k0: done",
    "} of k0: failed",
    "} of k0: running",
    "step k0: done",
    "step k0: failed",
    "step k0: dropped",
    "drop k0: dropped",
    "drop k0: running",
    "k0 (paused): V",
    "k0 (done): V",
    "k0 (failed): ",
    "k0 (running): not to be seen",
    "} of blocking: ",
];

#[test]
fn the_programs_reach_every_kind_of_outcome() {
    let mut missing: Vec<&str> = OUTCOMES.to_vec();
    for seed in 0..2_000 {
        let trace = machine::run(&generator::program(seed));
        missing.retain(|part| !trace.iter().any(|line| line.contains(part)));
    }
    assert!(missing.is_empty(), "no trace has {missing:?}");
}

#[test]
fn a_program_is_shrunk_to_what_is_of_interest() {
    let is_of_interest = |program: &Program| {
        let trace = machine::run(program);
        trace.iter().any(|line| line.contains("ValueError: context")) && trace.iter().any(|line| line == "} of scope")
    };
    let of_interest = (0..2_000).map(generator::program).filter(is_of_interest).take(5);
    for program in of_interest {
        let smallest = shrinker::smallest(program, |candidates| candidates.iter().position(is_of_interest));
        assert!(is_of_interest(&smallest));
        // A scope, a set, a reset, and what takes the one out of the other's context.
        assert!(smallest.size() <= 6, "{smallest}");
    }
}
