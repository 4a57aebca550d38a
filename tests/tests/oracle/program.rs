//! Programs, for the library and for the model.

/// How many variables there are: more than a node of the library's map has places. Those with odd numbers have a
/// default.
pub(crate) const VARS: usize = 20;

/// The number of every variable's default value.
pub(crate) const DEFAULT: u32 = 1_000_000;

/// How many values react to one another: a value that reads itself in its `Clone` would never be done.
pub(crate) const DEPTH: usize = 3;

/// What a value does in its `Drop`, `Clone`, `Debug` or `PartialEq`. The values that it sets do nothing.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Get(usize),
    Set(usize, u32),
    SetAndReset(usize, u32),
    /// Sets a variable while its value is being read.
    SetWhileReading(usize, u32),
    SetInCopy(usize, u32),
    SetInNew(usize, u32),
    Look,
}

/// When a value does what.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reactions {
    pub(crate) drop: Vec<Act>,
    pub(crate) clone: Vec<Act>,
    pub(crate) debug: Vec<Act>,
    pub(crate) eq: Vec<Act>,
}

/// A value, before it is made.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) number: u32,
    pub(crate) reactions: Reactions,
}

/// Picks one of several things.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Index(pub(crate) usize);

impl Index {
    /// Which of so many; there is one at least.
    pub(crate) fn index(self, length: usize) -> usize {
        self.0 % length
    }

    pub(crate) fn get<T>(self, things: &[T]) -> &T {
        &things[self.index(things.len())]
    }
}

/// A step of a program. An [`Index`] picks one of the contexts or tokens that there are; with none, nothing is done.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Get(usize),
    GetOr(usize),
    /// Keeps the token.
    Set(usize, Made),
    SetAndForget(usize, Made),
    /// Resets the token's own variable, or another.
    Reset(Index, Option<usize>),
    OldValue(Index),
    DropToken(Index),
    CopyContext,
    /// Keeps a child's context, which carries the state of this thread.
    InheritContext,
    NewContext,
    CloneContext(Index),
    DropContext(Index),
    /// Gives this thread another state of a library that keeps one for each.
    SetState(u32),
    LookAtState,
    /// Shows the current context.
    Look,
    LookAt(Index),
    /// Compares a context with the current one.
    Compare(Index),
    /// Runs steps somewhere.
    In(Place, Vec<Op>),
    /// Panics.
    Fail,
}

/// Where the steps of an [`Op::In`] run.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// While the variable's value is being read.
    With(usize),
    /// In one of the contexts, shared with the code that runs in it already.
    Run(Index),
    /// In a copy of its own.
    OwnCopy,
    /// In `with_context!` with the first two variables bound.
    Scope(Made, Made),
    /// Between a `set_scoped` and its end.
    Guard(usize, Made),
    /// Where a panic is caught.
    Catch,
    Thread,
}

/// Something that was seen to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Got(usize, Option<u32>),
    Set(usize),
    Reset,
    WrongVariable,
    WrongContext,
    OldValue(usize, Option<u32>),
    Shown(String),
    State(u32),
    Equal(bool),
    /// The context is entered, so it cannot be entered again or looked into.
    Busy,
    ReadingBegan(u32),
    ReadingEnded(u32),
    Unset,
    Ran,
    Caught(bool),
    ThreadEnded(bool),
    Dropped(u32),
    ProgramEnded(bool),
}

/// A program as it is written: flat, which shrinks by leaving out lines.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    Step(Op),
    Begin(Place),
    End,
}

/// Puts the lines between a beginning and its end, or that of the program, into one step.
pub(crate) fn nested(lines: impl IntoIterator<Item = Line>) -> Vec<Op> {
    let mut steps = Vec::new();
    let mut open: Vec<(Place, Vec<Op>)> = Vec::new();
    for line in lines {
        match line {
            Line::Step(step) => steps.push(step),
            Line::Begin(place) => open.push((place, std::mem::take(&mut steps))),
            Line::End => close(&mut open, &mut steps),
        }
    }
    while !open.is_empty() {
        close(&mut open, &mut steps);
    }
    steps
}

fn close(open: &mut Vec<(Place, Vec<Op>)>, steps: &mut Vec<Op>) {
    if let Some((place, before)) = open.pop() {
        let body = std::mem::replace(steps, before);
        steps.push(Op::In(place, body));
    }
}
