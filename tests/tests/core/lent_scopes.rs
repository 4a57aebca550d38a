//! Scopes within a context that is not a thread's base: the outer context lends its values, and gets every one back.

use crate::support;
use crate::support::Census;
use contextvars::{Context, ContextExt, context_var, copy_context, inherit_context, with_context};

#[context_var]
static A: i32;

#[context_var]
static B: i32;

#[context_var(inherit = false)]
static PRIVATE: i32;

#[context_var]
static COUNTED: support::Citizen;

/// Runs `f` where values are lent, with A set to 1.
fn lending<R>(f: impl FnOnce() -> R) -> R {
    Context::new().with(&A, 1).run(f)
}

fn seen() -> (Option<i32>, Option<i32>) {
    (A.try_get().ok(), B.try_get().ok())
}

#[test]
fn what_the_body_sets_is_contained() {
    lending(|| {
        with_context!(A = 2, {
            A.set(3);
            B.set(4);
            assert_eq!(seen(), (Some(3), Some(4)));
        });
        assert_eq!(seen(), (Some(1), None));
    });
}

#[test]
fn what_the_body_resets_is_contained() {
    lending(|| {
        with_context!(B = 2, {
            let token = B.set(3);
            B.reset(token).unwrap();
            assert_eq!(seen(), (Some(1), Some(2)));
        });
        assert_eq!(seen(), (Some(1), None));
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
fn a_copy_made_in_the_body_keeps_what_it_saw() {
    lending(|| {
        let (bound, changed) = with_context!(A = 2, {
            let bound = copy_context();
            A.set(3);
            B.set(4);
            (bound, copy_context())
        });
        assert_eq!(seen(), (Some(1), None));
        assert_eq!((bound.get(&A), bound.get(&B)), (Some(&2), None));
        assert_eq!((changed.get(&A), changed.get(&B)), (Some(&3), Some(&4)));
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
fn tokens_belong_to_the_side_of_the_scope_they_were_made_on() {
    lending(|| {
        let outer = A.set(2);
        let (outer, inner) = with_context!(B = 3, {
            let inner = B.set(4);
            (A.reset(outer).unwrap_err().into_token(), inner)
        });
        assert!(B.reset(inner).unwrap_err().is_wrong_context());
        A.reset(outer).unwrap();
        assert_eq!(seen(), (Some(1), None));
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
fn a_variable_bound_twice_under_two_names_is_restored_once() {
    use self::A as ALSO_A;
    lending(|| {
        assert_eq!(with_context!(A = 2, ALSO_A = 3, { A.get() }), 3);
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
