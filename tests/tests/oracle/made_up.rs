//! Programs that are made up, and shrink.

use proptest::collection::vec;
use proptest::prelude::*;

use super::program::{Act, Index, Line, Made, Op, Place, Reactions, VARS, nested};

fn var() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0_usize..3, 1 => 0..VARS]
}

fn number() -> impl Strategy<Value = u32> {
    0_u32..1_000
}

fn index() -> impl Strategy<Value = Index> {
    any::<usize>().prop_map(Index)
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
        2 => Just(Op::InheritContext),
        2 => (0_u32..4).prop_map(Op::SetState),
        2 => Just(Op::LookAtState),
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
        4 => index().prop_map(Place::Run),
        1 => Just(Place::OwnCopy),
        1 => (made(), made()).prop_map(|(first, second)| Place::Scope(first, second)),
        1 => (var(), made()).prop_map(|(var, made)| Place::Guard(var, made)),
        2 => Just(Place::Catch),
        1 => Just(Place::Thread),
    ]
}

fn line() -> impl Strategy<Value = Line> {
    prop_oneof![5 => step().prop_map(Line::Step), 2 => place().prop_map(Line::Begin), 1 => Just(Line::End)]
}

/// Programs of up to a hundred lines.
pub(crate) fn programs() -> impl Strategy<Value = Vec<Op>> {
    vec(line(), 1..100).prop_map(nested)
}
