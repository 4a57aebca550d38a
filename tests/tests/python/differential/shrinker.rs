//! Makes a program smaller for as long as it stays one of those looked for.

use super::program::{Program, Step};

/// Programs of this size are also tried without two things at once.
const SMALL: usize = 12;

/// The smallest program that can be had from `program` by leaving out what `first_of_interest` does not need.
///
/// It is asked for the first of several candidates that is still of interest.
pub(crate) fn smallest(
    mut program: Program,
    mut first_of_interest: impl FnMut(&[Program]) -> Option<usize>,
) -> Program {
    loop {
        let mut candidates = simpler(&program);
        if let Some(number) = first_of_interest(&candidates) {
            program = candidates.swap_remove(number);
            continue;
        }
        if program.size() > SMALL {
            return program;
        }
        // Such as a step together with the number by which another step counts past it.
        let mut candidates: Vec<Program> = candidates.iter().flat_map(simpler).collect();
        match first_of_interest(&candidates) {
            Some(number) => program = candidates.swap_remove(number),
            None => return program,
        }
    }
}

/// Programs that are simpler in one respect, those that are much simpler first.
fn simpler(program: &Program) -> Vec<Program> {
    let with = |body| Program { body, ..program.clone() };
    let mut candidates: Vec<Program> = simpler_bodies(&program.body).into_iter().map(with).collect();
    candidates.sort_by_key(Program::size);
    if program.runtime {
        candidates.push(Program { runtime: false, workers: 0, ..program.clone() });
    }
    if program.workers > 0 {
        candidates.push(Program { workers: 0, ..program.clone() });
    }
    if program.text {
        candidates.push(Program { text: false, ..program.clone() });
    }
    candidates
}

fn simpler_bodies(body: &[Step]) -> Vec<Vec<Step>> {
    let mut bodies = Vec::new();
    // Without a run of steps: a half, a quarter, and so on down to one.
    let mut length = body.len();
    while length > 0 {
        for start in (0..body.len()).step_by(length) {
            let end = (start + length).min(body.len());
            bodies.push([&body[..start], &body[end..]].concat());
        }
        length /= 2;
    }
    for at in 0..body.len() {
        let mut replace = |steps: Vec<Step>| bodies.push([&body[..at], &steps, &body[at + 1..]].concat());
        for (number, inner) in body[at].clone().bodies().into_iter().enumerate() {
            // Its own steps in its place, or simpler ones within it.
            replace(std::mem::take(inner));
            for simpler in simpler_bodies(body[at].clone().bodies()[number]) {
                let mut step = body[at].clone();
                *step.bodies()[number] = simpler;
                replace(vec![step]);
            }
        }
        for number in 0..body[at].clone().numbers().len() {
            let value = *body[at].clone().numbers()[number];
            for smaller in [0, value.saturating_sub(1)] {
                if smaller < value {
                    let mut step = body[at].clone();
                    *step.numbers()[number] = smaller;
                    replace(vec![step]);
                }
            }
        }
    }
    bodies
}
