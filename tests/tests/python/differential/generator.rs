//! Makes up a program from a seed.

use super::program::{Look, Program, Step, VARIABLES};

/// The program of this seed.
pub(crate) fn program(seed: u64) -> Program {
    let mut random = Random(seed.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ 0x1234_5678_9ABC_DEF1);
    let runtime = random.one_in(3);
    let workers = if runtime && random.one_in(6) { 2 } else { 0 };
    let (text, left) = (random.one_in(2), 8 + random.below(100));
    let mut generator = Generator { random, runtime, left, made: Made::default() };
    let mut body = Vec::new();
    while generator.left > 0 {
        body.extend(generator.block(Place { depth: 0, awaits: runtime, caught: false }));
    }
    Program { text, runtime, workers, body }
}

/// `SplitMix64`, a random number generator of three lines.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("it fits");
        usize::try_from(self.next() % end).expect("it is below one that fits")
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }
}

/// Where a step stands.
#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    /// Whether one can await there.
    awaits: bool,
    /// Whether a failure does not end the program.
    caught: bool,
}

impl Place {
    fn within(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }

    fn without_await(self) -> Self {
        Self { awaits: false, ..self.within() }
    }

    fn of_task(self) -> Self {
        Self { awaits: true, caught: true, ..self.within() }
    }

    fn that_catches(self) -> Self {
        Self { caught: true, ..self.within() }
    }
}

struct Generator {
    random: Random,
    runtime: bool,
    /// How many steps more the program may have.
    left: usize,
    made: Made,
}

/// Whether there were steps that make some; without them, steps that use some are of little use.
#[derive(Default)]
struct Made {
    tokens: bool,
    contexts: bool,
    tasks: bool,
}

impl Generator {
    fn block(&mut self, place: Place) -> Vec<Step> {
        let wanted = 1 + self.random.below(8);
        let mut body = Vec::new();
        while body.len() < wanted && self.left > 0 {
            self.left -= 1;
            body.push(self.step(place));
        }
        body
    }

    fn step(&mut self, place: Place) -> Step {
        if place.depth < 6 && self.random.one_in(4) {
            return self.nested(place);
        }
        if place.awaits && self.random.one_in(6) {
            return Step::Yield;
        }
        // By hand tasks can be stepped anywhere, in a runtime only where one can await.
        if self.made.tasks && (place.awaits || !self.runtime) && self.random.one_in(4) {
            return match self.random.below(8) {
                0 => Step::Drop(self.pick()),
                1 | 2 if !self.runtime => Step::Task(self.pick()),
                _ => Step::Resume(self.pick()),
            };
        }
        if self.random.one_in(if place.caught { 20 } else { 300 }) { Step::Fail } else { self.simple() }
    }

    fn simple(&mut self) -> Step {
        match self.random.below(36) {
            0..=3 => Step::Get(self.var()),
            4 => Step::GetOr(self.var(), self.value()),
            12 if self.made.tokens => Step::Reset(self.var(), self.pick()),
            13..=16 if self.made.tokens => Step::ResetOwn(self.pick()),
            17 if self.made.tokens => Step::Token(self.pick()),
            18 | 19 => self.making_a_context(Step::Copy),
            20 => self.making_a_context(Step::New),
            21 => {
                let step = Step::Clone(self.look());
                self.making_a_context(step)
            }
            22 => Step::Contains(self.look(), self.var()),
            23 | 29 => Step::Item(self.look(), self.var()),
            24 => Step::Lookup(self.look(), self.var()),
            25 => Step::Len(self.look()),
            26 => Step::Keys(self.look()),
            27 => Step::Values(self.look()),
            28 => Step::Equal(self.look(), self.look()),
            30 | 31 => Step::Items(self.look()),
            32 | 33 => Step::Diff(self.look(), self.look()),
            34 | 35 if self.made.tokens => Step::Unset(self.var()),
            _ => {
                self.made.tokens = true;
                Step::Set(self.var(), self.value())
            }
        }
    }

    fn making_a_context(&mut self, step: Step) -> Step {
        self.made.contexts = true;
        step
    }

    fn nested(&mut self, place: Place) -> Step {
        let (within, without_await) = (place.within(), place.without_await());
        match self.random.below(21) {
            0..=4 if self.made.contexts => Step::Run(self.pick(), self.block(without_await)),
            5 => Step::Wrapped(self.look(), self.block(without_await)),
            6 | 7 => Step::RunCopy(self.block(within)),
            8 | 9 => Step::Scope(self.var(), self.value(), self.block(within)),
            10 | 11 => Step::Guard(self.var(), self.value(), self.block(without_await)),
            12 | 13 => Step::Try(self.block(place.that_catches())),
            // Cancellation is of interest where a task waits.
            14 => self.finally(place),
            18 if place.awaits => self.finally(place),
            15 => Step::Thread(self.block(without_await.that_catches())),
            16 => Step::InheritingThread(self.block(without_await.that_catches())),
            20 => Step::LateThread(self.block(without_await), self.block(without_await.that_catches())),
            17 if self.runtime && place.awaits => Step::Blocking(self.block(without_await.that_catches())),
            _ if self.runtime && !place.awaits => Step::Try(self.block(place.that_catches())),
            _ => {
                let body = self.block(place.of_task());
                self.made.tasks = true;
                Step::Spawn(body)
            }
        }
    }

    fn finally(&mut self, place: Place) -> Step {
        let body = self.block(place.within());
        let cleanup = (0..=self.random.below(3)).map(|_| self.simple()).collect();
        Step::Finally(body, cleanup)
    }

    /// Some more often than others.
    fn var(&mut self) -> usize {
        let end = 1 + self.random.below(VARIABLES);
        VARIABLES - 1 - self.random.below(end)
    }

    /// Few different ones, so that contexts turn out equal now and then.
    fn value(&mut self) -> i64 {
        i64::try_from(self.random.below(4)).expect("it is small")
    }

    /// Rather one of the last.
    fn pick(&mut self) -> usize {
        let end = 1 + self.random.below(6);
        self.random.below(end)
    }

    fn look(&mut self) -> Look {
        (self.made.contexts && !self.random.one_in(3)).then(|| self.pick())
    }
}
