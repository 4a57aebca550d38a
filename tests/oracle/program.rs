//! Programs, and how they are made up.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// How many variables there are: more than a node of the library's map has places. Those with odd numbers have a default.
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
    NewContext,
    CloneContext(Index),
    DropContext(Index),
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
    /// In one of the contexts, shared with whoever runs in it already.
    Run(Index),
    /// In a copy that nobody else has.
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

fn var() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0_usize..3, 1 => 0..VARS]
}

fn number() -> impl Strategy<Value = u32> {
    0_u32..1_000
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        var().prop_map(Act::Get),
        (var(), number()).prop_map(|(var, number)| Act::Set(var, number)),
        (var(), number()).prop_map(|(var, number)| Act::SetAndReset(var, number)),
        (var(), number()).prop_map(|(var, number)| Act::SetWhileReading(var, number)),
        (var(), number()).prop_map(|(var, number)| Act::SetInCopy(var, number)),
        (var(), number()).prop_map(|(var, number)| Act::SetInNew(var, number)),
        Just(Act::Look),
    ];
    prop_oneof![2 => Just(Vec::new()), 1 => vec(act, 1..4)]
}

fn made() -> impl Strategy<Value = Made> {
    let reactions = (acts(), acts(), acts(), acts());
    let reactions = reactions.prop_map(|(drop, clone, debug, eq)| Reactions { drop, clone, debug, eq });
    // Few different numbers, so that contexts turn out equal now and then.
    let number = prop_oneof![1 => 0_u32..3, 2 => number()];
    let reactions = prop_oneof![1 => Just(Reactions::default()), 1 => reactions];
    (number, reactions).prop_map(|(number, reactions)| Made { number, reactions })
}

fn step() -> impl Strategy<Value = Op> {
    let index = any::<Index>;
    prop_oneof![
        4 => var().prop_map(Op::Get),
        1 => var().prop_map(Op::GetOr),
        6 => (var(), made()).prop_map(|(var, made)| Op::Set(var, made)),
        4 => (var(), made()).prop_map(|(var, made)| Op::SetAndForget(var, made)),
        4 => index().prop_map(|token| Op::Reset(token, None)),
        1 => (index(), var()).prop_map(|(token, var)| Op::Reset(token, Some(var))),
        1 => index().prop_map(Op::OldValue),
        1 => index().prop_map(Op::DropToken),
        2 => Just(Op::CopyContext),
        1 => Just(Op::NewContext),
        1 => index().prop_map(Op::CloneContext),
        1 => index().prop_map(Op::DropContext),
        1 => Just(Op::Look),
        1 => index().prop_map(Op::LookAt),
        1 => index().prop_map(Op::Compare),
        1 => Just(Op::Fail),
    ]
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        4 => var().prop_map(Place::With),
        4 => any::<Index>().prop_map(Place::Run),
        1 => Just(Place::OwnCopy),
        1 => (made(), made()).prop_map(|(first, second)| Place::Scope(first, second)),
        1 => (var(), made()).prop_map(|(var, made)| Place::Guard(var, made)),
        2 => Just(Place::Catch),
        1 => Just(Place::Thread),
    ]
}

/// A program as it is written: flat, which shrinks by leaving out lines.
#[derive(Clone, Debug)]
enum Line {
    Step(Op),
    Begin(Place),
    End,
}

fn line() -> impl Strategy<Value = Line> {
    prop_oneof![5 => step().prop_map(Line::Step), 2 => place().prop_map(Line::Begin), 1 => Just(Line::End)]
}

/// Puts the lines between a beginning and its end, or that of the program, into one step.
fn nested(lines: impl IntoIterator<Item = Line>) -> Vec<Op> {
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

/// Programs of up to a hundred lines.
pub(crate) fn programs() -> impl Strategy<Value = Vec<Op>> {
    vec(line(), 1..100).prop_map(nested)
}
