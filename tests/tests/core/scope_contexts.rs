//! The context of a `with_context!` body and the one around it: what the one sets, the other does not see,
//! and the one around it gets each of its values back.

use contextvars::{Context, ContextExt, context_var, copy_context, inherit_context, with_context};

use crate::support;
use crate::support::{Census, Citizen, forget, isolated};

#[context_var]
static A: i32;

#[context_var]
static B: i32;

#[context_var(inherit = false)]
static PRIVATE: i32;

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

/// Runs `f` where values are lent, with A set to 1.
fn lending<R>(f: impl FnOnce() -> R) -> R {
    Context::new().with(&A, 1).run(f)
}

fn seen() -> (Option<i32>, Option<i32>) {
    (A.try_get().ok(), B.try_get().ok())
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
            assert_eq!((NAME.get().as_str(), NUMBER.get()), ("grace", 9));
        });
        assert_eq!((NAME.get().as_str(), NUMBER.is_set()), ("ada", false));
    });
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
        assert_eq!(NUMBER.get(), 1);
        // The scope was another context.
        let error = with_context!({ NUMBER.reset(outer) }).unwrap_err();
        assert!(error.is_wrong_context());
        NUMBER.reset(error.into_token()).unwrap();
        assert!(!NUMBER.is_set());
    });
}

#[test]
fn scopes_within_scopes_each_get_back_what_they_lent() {
    lending(|| {
        with_context!(A = 2, {
            with_context!(A = 3, B = 3, {
                B.set(30);
                with_context!(B = 4, { assert_eq!(seen(), (Some(3), Some(4))) });
                assert_eq!(seen(), (Some(3), Some(30)));
            });
            assert_eq!(seen(), (Some(2), None));
            A.set(20);
            with_context!(A = 5, {
                A.set(50);
                B.set(51);
            });
            assert_eq!(seen(), (Some(20), None));
        });
        assert_eq!(seen(), (Some(1), None));
    });
}

#[test]
fn a_copy_made_in_the_body_has_the_body_s_variables_and_no_others() {
    lending(|| {
        let copy = with_context!(A = 2, {
            B.set(4);
            copy_context()
        });
        assert_eq!(copy.len(), 2);
        assert_eq!(format!("{copy:?}"), "{A: 2, B: 4}");
        assert_eq!(copy, Context::new().with(&B, 4).with(&A, 2));
        let names: Vec<_> = copy.keys().map(contextvars::Variable::name).collect();
        assert_eq!(names, ["A", "B"]);
        assert_eq!(
            with_context!({
                B.set(1);
                inherit_context()
            })
            .len(),
            2
        );
    });
}

#[test]
fn a_copy_made_before_is_not_changed_by_the_bindings() {
    lending(|| {
        let before = copy_context();
        with_context!(A = 2, { assert_eq!(before[&A], 1) });
        assert_eq!(before[&A], 1);
    });
}

#[test]
fn a_private_binding_is_private_in_the_body_and_leaves_nothing_behind() {
    lending(|| {
        with_context!(PRIVATE = 2, { assert!(!inherit_context().contains(&PRIVATE)) });
        with_context!({
            PRIVATE.set(2);
            assert!(!inherit_context().contains(&PRIVATE));
            assert!(copy_context().contains(&PRIVATE));
        });
        assert!(!PRIVATE.is_set());
    });
}

#[test]
fn a_value_read_around_the_scope_stays_while_it_is_read() {
    lending(|| {
        A.with(|outer| {
            with_context!(A = 2, {
                A.with(|inner| {
                    A.set(3);
                    assert_eq!((*outer, *inner), (1, 2));
                });
            });
            assert_eq!(*outer, 1);
        });
        assert_eq!(seen(), (Some(1), None));
    });
}

#[test]
fn a_panic_in_the_body_gives_everything_back() {
    lending(|| {
        for set_first in [false, true] {
            let panicked = support::panic_of(|| {
                with_context!(A = 2, B = 3, {
                    if set_first {
                        A.set(4);
                    }
                    panic!("in the body");
                });
            });
            assert_eq!(panicked.message, "in the body");
            assert_eq!(seen(), (Some(1), None));
        }
    });
}

#[test]
fn values_are_dropped_when_the_scope_that_held_them_ends() {
    let census = Census::new();
    Context::new().with(&COUNTED, census.citizen()).run(|| {
        with_context!(COUNTED = census.citizen(), {
            assert_eq!(census.alive(), 2);
            COUNTED.set(census.citizen());
            // The one that the scope bound waits for the end of the scope, with what else the scope was lent.
            assert_eq!(census.alive(), 3);
            COUNTED.set(census.citizen());
            assert_eq!(census.alive(), 3);
        });
        assert_eq!(census.alive(), 1);
        let copy = with_context!({
            COUNTED.set(census.citizen());
            copy_context()
        });
        assert_eq!(census.alive(), 2);
        // What the copy replaces in itself is gone, though the body's context was lent it.
        drop(COUNTED.set(census.citizen()));
        assert_eq!(census.alive(), 2);
        drop(copy);
        assert_eq!(census.alive(), 1);
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_future_polled_in_the_body_has_its_own_context() {
    lending(|| {
        let mut task = Box::pin(async { A.set(7) }.in_context(Context::new()));
        with_context!(A = 2, {
            pollster::block_on(&mut task);
            assert_eq!(A.get(), 2);
        });
        assert_eq!(task.context()[&A], 7);
        assert_eq!(seen(), (Some(1), None));
    });
}

#[test]
fn a_copy_made_in_the_body_may_change_while_the_scope_lasts_and_when_it_has_ended() {
    lending(|| {
        let mut copies = Vec::new();
        with_context!(A = 2, {
            for set_first in [false, true] {
                if set_first {
                    B.set(4);
                }
                let mut copy = copy_context();
                copy.run(|| {
                    A.set(30);
                    with_context!(B = 40, {
                        A.set(31);
                        assert_eq!(seen(), (Some(31), Some(40)));
                    });
                });
                assert_eq!(copy[&A], 30);
                // Elsewhere, while the body changes what it has in common with the copy.
                let (mut copy, elsewhere) = std::thread::scope(|scope| {
                    let elsewhere = scope.spawn(move || {
                        let seen = copy.run(|| {
                            B.set(5);
                            with_context!(A = 6, { seen() })
                        });
                        (copy, seen)
                    });
                    A.set(7);
                    elsewhere.join().unwrap()
                });
                assert_eq!(elsewhere, (Some(6), Some(5)));
                copy.run(|| assert_eq!(seen(), (Some(30), Some(5))));
                copies.push(copy);
            }
            assert_eq!(seen(), (Some(7), Some(4)));
        });
        assert_eq!(seen(), (Some(1), None));
        for copy in &mut copies {
            copy.run(|| {
                let token = A.set(8);
                with_context!(B = 9, { A.set(10) });
                assert_eq!(seen(), (Some(8), Some(5)));
                A.reset(token).unwrap();
            });
            assert_eq!((copy.get(&A), copy.get(&B), copy.len()), (Some(&30), Some(&5), 2));
        }
        assert_eq!(seen(), (Some(1), None));
    });
}

#[test]
fn what_is_kept_for_a_scope_is_seen_nowhere() {
    lending(|| {
        let expected = Context::new().with(&A, 3);
        with_context!(A = 2, {
            A.set(3);
            with_context!(A = 4, {
                A.set(3);
                for copy in
                    [copy_context(), copy_context().clone(), copy_context().run(copy_context), inherit_context()]
                {
                    assert_eq!((copy.len(), copy.is_empty()), (1, false));
                    assert_eq!((copy.iter().count(), copy.keys().count(), copy.values().count()), (1, 1, 1));
                    assert_eq!((&copy, &expected), (&expected, &copy));
                    assert_eq!(format!("{copy:#?}"), format!("{expected:#?}"));
                    assert!(copy.diff(&expected).is_empty() && expected.diff(&copy).is_empty());
                    assert_eq!(serde_json::to_string(&copy).unwrap(), serde_json::to_string(&expected).unwrap());
                }
                B.set(1);
                B.reset(B.set(2)).unwrap();
            });
            // Nor does it come back from elsewhere.
            let returned = std::thread::scope(|scope| {
                let work = contextvars::round_trip(|| {
                    with_context!(B = 5, { A.set(6) });
                    B.set(7)
                });
                scope.spawn(work).join().unwrap()
            });
            returned.take_back();
            assert_eq!((seen(), copy_context().len()), ((Some(3), Some(7)), 2));
        });
        assert_eq!((seen(), copy_context().len()), ((Some(1), None), 1));
        let mut own = contextvars::variables().filter(|variable| variable.module_path().starts_with("contextvars::"));
        assert!(own.all(|variable| variable.name() != "KEPT"));
    });
}

#[test]
fn a_token_is_refused_in_every_scope_but_the_one_it_was_made_in() {
    lending(|| {
        let outermost = A.set(10);
        let (outermost, of_the_body) = with_context!(A = 2, {
            let of_the_body = A.set(3);
            let (outermost, of_the_body, innermost) = with_context!({
                let innermost = A.set(4);
                let refused = |token| A.reset(token).map_err(|error| (error.is_wrong_context(), error.into_token()));
                let Err((true, outermost)) = refused(outermost) else { panic!("it is of the outermost context") };
                let Err((true, of_the_body)) = refused(of_the_body) else { panic!("it is of the body around") };
                assert_eq!(A.get(), 4);
                (outermost, of_the_body, innermost)
            });
            assert!(A.reset(innermost).unwrap_err().is_wrong_context(), "its context is no more");
            // Nor in another scope of the same shape, or in a copy of the context it was made in.
            let of_the_body = with_context!({ A.reset(of_the_body).unwrap_err().into_token() });
            let of_the_body = copy_context().run(|| A.reset(of_the_body).unwrap_err().into_token());
            (outermost, of_the_body)
        });
        assert!(A.reset(of_the_body).unwrap_err().is_wrong_context(), "its context is no more");
        A.reset(outermost).unwrap();
        assert_eq!(seen(), (Some(1), None));
    });
}

#[test]
fn sets_in_the_body_under_a_live_reader_park_its_value_and_no_other() {
    const SETS: usize = if cfg!(miri) { 200 } else { 100_000 };
    let census = Census::new();
    Context::new().with(&COUNTED, census.citizen()).run(|| {
        COUNTED.with(|_| {
            with_context!(COUNTED = census.citizen(), {
                COUNTED.with(|_| {
                    for _ in 0..SETS {
                        drop(COUNTED.set(census.citizen()));
                        // What was lent, what was bound, the current one.
                        assert_eq!(census.alive(), 3);
                    }
                });
            });
            for _ in 0..SETS / 10 {
                with_context!(COUNTED = census.citizen(), { drop(COUNTED.set(census.citizen())) });
                assert_eq!(census.alive(), 1);
            }
        });
    });
    assert_eq!(census.alive(), 0);
}
