//! The copy of a thread's base context that a scope leaves to the next one.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;

use contextvars::context_var;

use super::super::super::{Bound, Entered, Scope, State, set, snapshot};
use super::super::with_current;
use super::expect_scopes_elsewhere;
use crate::worker;

#[context_var]
static NAME: (u32, Arc<()>);

#[context_var]
static OTHER: u32;

fn set_name(number: u32, alive: &Arc<()>) {
    drop(set(&NAME, (number, Arc::clone(alive))).ok());
}

fn name() -> Option<u32> {
    NAME.try_with(|name| name.0).ok()
}

fn scope() -> Scope<1> {
    Scope::new([Bound::new(&OTHER, 1)])
}

fn is_copy_left() -> bool {
    with_current(|current| {
        let copy = current.base_copy.take();
        let is_left = !copy.values.is_empty();
        current.base_copy.set(copy);
        is_left
    })
}

/// On a thread of its own, after whose end nothing else owns the values that it was given.
fn on_a_thread(f: impl FnOnce(&Arc<()>) + Send + 'static) {
    let alive = Arc::new(());
    let there = Arc::clone(&alive);
    thread::spawn(move || f(&there)).join().expect("no panic");
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn a_scope_sees_what_the_base_context_holds_whatever_the_scope_before_has_left() {
    on_a_thread(|alive| {
        for number in 0..3_u32 {
            assert_eq!((name(), OTHER.try_get().ok()), (number.checked_sub(1), None));
            set_name(number, alive);
            for _ in 0..2 {
                let open = scope();
                assert_eq!((name(), OTHER.try_get().ok()), (Some(number), Some(1)));
                drop(open);
                assert!(is_copy_left());
            }
        }
        let token = NAME.set((7, Arc::clone(alive)));
        drop(scope());
        NAME.reset(token).unwrap();
        let open = scope();
        assert_eq!(name(), Some(2));
        drop(open);
    });
}

#[test]
fn a_copy_that_is_left_keeps_no_value_alive() {
    on_a_thread(|_| {
        let alive = Arc::new(());
        let token = NAME.set((1, Arc::clone(&alive)));
        drop(scope());
        assert!(is_copy_left());
        NAME.reset(token).unwrap();
        assert_eq!(Arc::strong_count(&alive), 1);
    });
}

#[test]
fn a_scope_whose_body_sets_or_copies_leaves_no_copy() {
    on_a_thread(|alive| {
        set_name(1, alive);
        let open = scope();
        set_name(2, alive);
        drop(open);
        assert_eq!((is_copy_left(), name()), (false, Some(1)));
        let open = scope();
        let copy = snapshot();
        drop(open);
        assert_eq!((is_copy_left(), name()), (false, Some(1)));
        assert_eq!(copy.get(&OTHER), Some(&1));
    });
}

/// Whether a thread is a worker may change between two scopes and within one.
#[test]
fn what_a_worker_must_not_see_is_in_no_copy_that_it_is_left() {
    for is_within in [false, true] {
        on_a_thread(move |alive| {
            set_name(1, alive);
            let open = is_within.then(scope);
            worker::mark();
            drop(open);
            for _ in 0..2 {
                let open = scope();
                assert_eq!((name(), OTHER.try_get().ok()), (None, Some(1)));
                drop(open);
                assert!(is_copy_left());
            }
        });
    }
}

#[test]
fn the_context_of_a_scope_that_ended_elsewhere_is_freed_with_its_thread() {
    on_a_thread(|alive| {
        expect_scopes_elsewhere();
        let open = Scope::new([Bound::new(&NAME, (1, Arc::clone(alive)))]);
        let mut other = State::new();
        let entered = Entered::new(&mut other);
        assert!(panic::catch_unwind(AssertUnwindSafe(|| drop(open))).is_err());
        entered.leave();
        assert_eq!(name(), Some(1));
    });
}

#[test]
fn scopes_of_a_base_context_that_end_out_of_order_end_no_other() {
    expect_scopes_elsewhere();
    for order in [[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0]] {
        on_a_thread(move |alive| {
            set_name(1, alive);
            let begin = |number| Scope::new([Bound::new(&NAME, (number, Arc::clone(alive)))]);
            let mut open: Vec<_> = (2..5).map(|number| (number, begin(number))).collect();
            let mut new = None;
            for at in order {
                let (number, scope) = open.remove(at);
                drop(panic::catch_unwind(AssertUnwindSafe(|| drop(scope))));
                if number == 2 {
                    assert_eq!(name(), Some(1), "the base context is current again");
                    new = Some(begin(9));
                }
                assert!(new.is_none() || name() == Some(9), "no other scope has ended");
            }
            drop(new);
            assert_eq!(name(), Some(1));
        });
    }
}
