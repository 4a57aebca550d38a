//! The context of a `with_context!` body and the one around it: what the one sets, the other does not see.

use crate::support::{Census, Citizen, forget, isolated};
use contextvars::{Context, context_var, copy_context, with_context};

#[context_var(default = 0)]
static NUMBER: u32;

#[context_var]
static NAME: String;

#[context_var]
static COUNTED: Citizen;

mod elsewhere {
    #[contextvars::context_var(default = 0)]
    pub(crate) static DEEP: u32;
}

#[test]
fn what_the_body_sets_is_contained() {
    isolated(|| {
        NAME.set("ada".to_owned());
        with_context!(NUMBER = 7, {
            assert_eq!(NAME.get(), "ada");
            NAME.set("grace".to_owned());
            NUMBER.set(8);
            forget(NUMBER.set_scoped(9));
        });
        assert_eq!((NAME.get().as_str(), NUMBER.is_set()), ("ada", false));
    });
}

#[test]
fn a_binding_replaces_the_value_and_the_scope_s_end_drops_it() {
    let census = Census::new();
    isolated(|| {
        COUNTED.set(census.citizen());
        with_context!(COUNTED = census.citizen(), { assert_eq!(census.alive(), 2) });
        assert_eq!(census.alive(), 1);
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn of_a_variable_bound_twice_under_different_names_the_last_value_counts() {
    use elsewhere::DEEP as ALIAS;
    let count = || {
        with_context!(ALIAS = 1, elsewhere::DEEP = 2, {
            assert_eq!(ALIAS.get(), 2);
            drop(ALIAS.set(3));
        });
        ALIAS.get()
    };
    assert_eq!((count(), ALIAS.is_set()), (0, false));
    isolated(|| {
        drop(ALIAS.set(5));
        assert_eq!((count(), copy_context().len()), (5, 1));
    });
}

#[test]
fn copies_made_in_a_body_hold_what_the_body_saw_and_nothing_of_the_outside_that_it_replaced() {
    let census = Census::new();
    isolated(|| {
        drop(COUNTED.set(census.citizen()));
        drop(NAME.set("outer".to_owned()));
        let copies = with_context!(COUNTED = census.citizen(), {
            let before = copy_context();
            drop(NAME.set("inner".to_owned()));
            let nested = with_context!(NUMBER = 1, {
                drop(NAME.set("nested".to_owned()));
                copy_context()
            });
            [before, copy_context(), nested]
        });
        assert_eq!(copies.each_ref().map(|copy| copy[&NAME].as_str()), ["outer", "inner", "nested"]);
        assert_eq!(copies.each_ref().map(|copy| (copy.len(), copy.iter().count())), [(2, 2), (2, 2), (3, 3)]);
        assert_eq!((NAME.get().as_str(), copy_context().len(), census.alive()), ("outer", 2, 2));
        // The outer value goes with the outer context, though copies were made while it was replaced.
        drop(COUNTED.set(census.citizen()));
        assert_eq!(census.alive(), 2);
        drop(copies);
        assert_eq!(census.alive(), 1);
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn bodies_that_set_and_bodies_that_do_not_nest_in_any_order() {
    fn nest(depth: u32, pattern: u32) {
        if depth == 0 {
            return;
        }
        let sets = |bit: u32| pattern >> (depth * 2 + bit) & 1 == 1;
        let before = copy_context();
        with_context!(NUMBER = depth, {
            if sets(0) {
                drop(NAME.set(format!("before {depth}")));
            }
            nest(depth - 1, pattern);
            if sets(1) {
                drop(NAME.set(format!("after {depth}")));
                drop(NUMBER.set(100));
            }
            let name = NAME.get_or(String::new());
            assert!(!sets(1) || name == format!("after {depth}"));
            assert!(sets(1) || !sets(0) || name == format!("before {depth}"));
            assert_eq!(NUMBER.get(), if sets(1) { 100 } else { depth });
        });
        assert_eq!(copy_context(), before);
    }
    // Some of the patterns where each step is slow.
    for pattern in (0..1 << 8).step_by(if cfg!(miri) { 17 } else { 1 }) {
        isolated(|| nest(3, pattern));
        nest(3, pattern);
        Context::new().with(&NAME, "outer".to_owned()).run(|| nest(3, pattern));
    }
}

#[test]
fn a_body_that_sets_and_resets_uses_its_own_tokens() {
    isolated(|| {
        let outer = NUMBER.set(1);
        with_context!(NUMBER = 2, {
            let inner = NUMBER.set(3);
            NUMBER.reset(inner).unwrap();
            assert_eq!(NUMBER.get(), 2);
            assert!(NUMBER.set(4).old_value() == Some(&2));
        });
        // The scope was another context.
        let error = with_context!({ NUMBER.reset(outer) }).unwrap_err();
        assert!(error.is_wrong_context());
        NUMBER.reset(error.into_token()).unwrap();
        assert!(!NUMBER.is_set());
    });
}
