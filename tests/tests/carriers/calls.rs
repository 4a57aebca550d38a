//! When carriers are called, in which order and in which context.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Poll, Waker};

use contextvars::carry::{self, Carried};
use contextvars::{Context, ContextExt, SharedContext, copy_context, inherit_context, thread, with_context};

use super::{CALLS, FIRST, NUMBER, PRIVATE, both, child, set_both, set_up};

#[test]
fn the_type_registered_first_is_entered_first_and_left_last_in_the_context_that_carries_it() {
    set_up();
    let mut context = child(1, 2);
    assert_eq!(context.run(both), (1, 2));
    assert_eq!(both(), (0, 0));
    let calls = [("enter first", 7), ("enter second", 7), ("leave second", 7), ("leave first", 7)];
    assert_eq!(CALLS.take(), calls);
    // The values of the variables are those at the end.
    context.run(|| drop(NUMBER.set(8)));
    let calls = [("enter first", 7), ("enter second", 7), ("leave second", 8), ("leave first", 8)];
    assert_eq!(CALLS.take(), calls);
}

#[test]
fn what_is_current_already_is_neither_entered_nor_left() {
    set_up();
    let mut context = child(1, 2);
    FIRST.set(1);
    assert_eq!(context.run(both), (1, 2));
    assert_eq!(CALLS.take(), [("enter second", 7), ("leave second", 7)]);
    assert_eq!(both(), (1, 0));
}

#[test]
fn what_is_captured_is_captured_where_the_child_is_made_and_shared_while_it_is_current() {
    set_up();
    set_both(1, 0);
    let mut context = inherit_context();
    assert_eq!(CALLS.take(), [("capture first", 0), ("capture second", 0)]);
    set_both(5, 5);
    context.run(|| {
        CALLS.take();
        drop(inherit_context());
        assert_eq!(CALLS.take(), [("is first current", 0), ("capture second", 0)]);
        // Another state of the same library.
        FIRST.set(3);
        let mut inner = inherit_context();
        assert_eq!(CALLS.take(), [("is first current", 0), ("capture first", 0), ("capture second", 0)]);
        assert_eq!(inner.run(both), (3, 5));
        // None.
        FIRST.set(0);
        let mut none = inherit_context();
        FIRST.set(4);
        assert_eq!(none.run(both), (4, 5));
        FIRST.set(1);
    });
    assert_eq!(both(), (5, 5));
}

#[test]
fn a_child_that_captured_nothing_leaves_everything_alone() {
    set_up();
    let mut context = child(0, 0);
    set_both(3, 4);
    assert_eq!(context.run(both), (3, 4));
    assert_eq!(CALLS.take(), []);
}

#[test]
fn copies_scopes_and_empty_contexts_neither_capture_nor_enter() {
    set_up();
    set_both(1, 2);
    let mut copy = copy_context();
    let scoped = with_context!(NUMBER = 7, async { both() });
    let copied = async { both() }.in_current_context();
    let mut empty = Context::new().with(&NUMBER, 7);
    assert_eq!(CALLS.take(), []);
    set_both(3, 4);
    assert_eq!((copy.run(both), empty.run(both)), ((3, 4), (3, 4)));
    assert_eq!(now(scoped), (3, 4));
    assert_eq!(now(copied), (3, 4));
    assert_eq!(CALLS.take(), []);
    // Nor do those that are made within a child.
    let (mut copy, mut shared) = child(1, 2).run(|| (copy_context(), SharedContext::from(copy_context())));
    CALLS.take();
    assert_eq!((copy.run(both), shared.run(both).unwrap()), ((3, 4), (3, 4)));
    shared = SharedContext::from(child(1, 2));
    assert_eq!(shared.run(both).unwrap(), (1, 2));
    // And a scope leaves things as they are within the child.
    child(1, 2).run(|| {
        set_both(5, 6);
        assert_eq!(with_context!(NUMBER = 8, { both() }), (5, 6));
        assert_eq!(both(), (5, 6));
        set_both(1, 2);
    });
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut TaskContext::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn clones_of_a_childs_context_carry_what_it_does() {
    set_up();
    let context = child(1, 2);
    assert_eq!(context.run_copy(both), (1, 2));
    assert_eq!(context.clone().with(&NUMBER, 8).run(both), (1, 2));
    assert_eq!(context.clone().wrap(both)(), (1, 2));
    assert_eq!(std::thread::spawn(context.wrap_once(both)).join().unwrap(), (1, 2));
    assert_eq!(both(), (0, 0));
}

#[test]
fn values_that_are_not_inherited_do_not_keep_a_child_from_carrying() {
    set_up();
    set_both(1, 2);
    PRIVATE.set(1);
    let mut context = inherit_context();
    set_both(0, 0);
    assert_eq!(context.run(|| (both(), PRIVATE.is_set())), ((1, 2), false));
}

#[test]
fn what_a_carrier_enters_is_entered_without_what_it_carries() {
    thread_local! {
        static OWN: RefCell<Option<Context>> = const { RefCell::new(None) };
        static SEEN: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
    }
    struct Entering;
    impl Carried for Entering {
        type Undo = ();
        fn capture() -> Option<Self> {
            (FIRST.get() == 1080).then_some(Self)
        }
        fn enter(&self) -> Option<()> {
            let mut own = OWN.take()?;
            SEEN.set(own.run(both));
            Some(())
        }
    }

    set_up();
    carry::register::<Entering>();
    OWN.set(Some(child(3, 4)));
    let mut context = child(1080, 2);
    context.run(|| assert_eq!(both(), (1080, 2)));
    assert_eq!(SEEN.get(), (1080, 2), "in the carrier's context nothing else is entered");
    // It is over: the next one is entered as usual.
    assert_eq!(child(3, 4).run(both), (3, 4));
}

#[test]
fn a_child_within_a_child_is_undone_in_reverse() {
    set_up();
    let (mut outer, mut inner) = (child(1, 2), child(3, 4));
    outer.run(|| {
        assert_eq!(both(), (1, 2));
        inner.run(|| {
            assert_eq!(both(), (3, 4));
            child(5, 6).run(|| assert_eq!(both(), (5, 6)));
            assert_eq!(both(), (3, 4));
        });
        assert_eq!(both(), (1, 2));
    });
    assert_eq!(both(), (0, 0));
}

#[test]
fn types_are_registered_once_by_however_many_threads() {
    static CAPTURES: AtomicUsize = AtomicUsize::new(0);
    struct Once;
    impl Carried for Once {
        type Undo = ();
        fn capture() -> Option<Self> {
            if FIRST.get() == 1079 {
                CAPTURES.fetch_add(1, Ordering::Relaxed);
            }
            None
        }
        fn enter(&self) -> Option<()> {
            None
        }
    }
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                set_up();
                carry::register::<Once>();
            });
        }
    });
    FIRST.set(1079);
    drop(inherit_context());
    assert_eq!(CAPTURES.load(Ordering::Relaxed), 1);
}
