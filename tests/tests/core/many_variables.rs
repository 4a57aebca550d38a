//! A hundred thousand variables: their ids go four levels deep, and contexts hold them all.

use std::sync::LazyLock;

use contextvars::__private::{Probe, Traits, Variable, declare};
use contextvars::{Context, ContextVar, Token, ValueRef, copy_context};

use crate::support::{isolated, on_a_thread};

const COUNT: usize = 100_000;

/// Declared as the macro does it, but by a loop: so many declarations would take the compiler minutes.
static MANY: LazyLock<Vec<ContextVar<usize>>> = LazyLock::new(|| {
    let one = || {
        let variable = Variable::declared("ONE_OF_MANY", module_path!(), file!(), line!(), column!());
        let eq = Probe::<usize>::EQ;
        declare(variable, None, Traits { debug: None, display: None, eq, serialize: None })
    };
    (0..COUNT).map(|_| one()).collect()
});

/// The indices in an order that jumps about.
fn shuffled() -> impl Iterator<Item = usize> {
    (0..COUNT).map(|step| step * 38_891 % COUNT)
}

fn set_all(value_of: impl Fn(usize) -> usize) -> Vec<Token<usize>> {
    shuffled().map(|index| MANY[index].set(value_of(index))).collect()
}

#[test]
fn a_context_holds_a_hundred_thousand_variables() {
    let mut ctx = Context::new();
    let tokens = ctx.run(|| {
        let tokens = set_all(|index| index + 1);
        assert!(shuffled().all(|index| MANY[index].get() == index + 1));
        tokens
    });
    assert_eq!(ctx.len(), COUNT);
    assert!(shuffled().all(|index| ctx[&MANY[index]] == index + 1));
    let mut values: Vec<_> = ctx.values().filter_map(ValueRef::downcast_ref::<usize>).copied().collect();
    values.sort_unstable();
    assert!(values.into_iter().eq(1..=COUNT));

    // A copy changes apart, in each variable.
    let mut copy = ctx.clone();
    copy.run(|| set_all(|_| 0));
    assert!(shuffled().all(|index| (ctx[&MANY[index]], copy[&MANY[index]]) == (index + 1, 0)));
    assert_eq!(ctx, ctx.clone());
    assert_eq!(copy.len(), COUNT);
    drop(copy);

    ctx.run(|| {
        for token in tokens {
            let var = token.var();
            var.reset(token).unwrap();
            assert!(!var.is_set());
        }
    });
    assert!(ctx.is_empty());
}

#[test]
fn a_reader_of_one_of_a_hundred_thousand_variables_outlives_the_change_of_all() {
    isolated(|| {
        set_all(|index| index);
        let (first, last) = (&MANY[0], &MANY[COUNT - 1]);
        last.with(|read_last| {
            first.with(|read_first| {
                let before = copy_context();
                set_all(|_| 7);
                assert_eq!((*read_first, *read_last, first.get(), last.get()), (0, COUNT - 1, 7, 7));
                assert_eq!((before[first], before[last]), (0, COUNT - 1));
            });
        });
    });
}

#[test]
fn a_context_of_a_hundred_thousand_variables_is_dropped_on_a_small_stack() {
    let mut ctx = Context::new();
    ctx.run(|| set_all(|index| index));
    let thread = std::thread::Builder::new().stack_size(64 << 10);
    thread.spawn(move || drop(ctx)).unwrap().join().unwrap();
    // Nor does the thread that has them in its base context need more when it ends.
    on_a_thread(|| drop(set_all(|index| index)));
}
