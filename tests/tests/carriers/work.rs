//! Futures, tasks and round trips, and work whose children carry nothing.

use std::cell::Cell;
use std::future::pending;
use std::panic::{catch_unwind, resume_unwind};
use std::rc::Rc;
use std::task::{Context as TaskContext, Waker};

use contextvars::carry::{self};
use contextvars::{ContextExt, inherit_context, round_trip, tokio};

use super::{NUMBER, both, child, set_both, set_up};

#[test]
fn a_future_is_polled_and_dropped_with_what_it_carries() {
    struct Seen(Rc<Cell<(u64, u64)>>);
    impl Drop for Seen {
        fn drop(&mut self) {
            self.0.set(both());
        }
    }

    set_up();
    let seen = Rc::new(Cell::new((0, 0)));
    let witness = Seen(Rc::clone(&seen));
    let mut future = Box::pin(
        async move {
            let _witness = witness;
            assert_eq!(both(), (1, 2));
            pending::<()>().await;
        }
        .in_context(child(1, 2)),
    );
    assert!(future.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())).is_pending());
    assert_eq!(both(), (0, 0));
    drop(future);
    assert_eq!((seen.get(), both()), ((1, 2), (0, 0)));
}

#[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_that_take_turns_on_threads_see_their_own() {
    set_up();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 1..=500 {
        let work = async move {
            for _ in 0..5 {
                tokio::task::yield_now().await;
                assert_eq!(both(), (number, number + 1));
                let inner = tokio::spawn(async { both() }).await.unwrap();
                assert_eq!(inner, (number, number + 1));
            }
        };
        tasks.spawn(work.in_context(child(number, number + 1)));
    }
    tasks.join_all().await;
    assert_eq!(both(), (0, 0));
}

#[test]
fn children_carry_nothing_where_that_is_suppressed() {
    set_up();
    set_both(1, 2);
    let mut outer = inherit_context();
    set_both(0, 0);
    outer.run(|| {
        let (mut suppressed, mut nested) = carry::suppressed(|| {
            let nested = carry::suppressed(inherit_context);
            // A context that is entered meanwhile carries its state.
            assert_eq!(inner_of_child(), (7, 8));
            (inherit_context(), nested)
        });
        let mut after = inherit_context();
        set_both(3, 4);
        assert_eq!((suppressed.run(both), nested.run(both), after.run(both)), ((3, 4), (3, 4), (1, 2)));
        set_both(1, 2);
    });
    // By panic, too.
    let result = catch_unwind(|| carry::suppressed(|| resume_unwind(Box::new(()))));
    assert!(result.is_err());
    set_both(1, 2);
    let mut context = inherit_context();
    set_both(0, 0);
    assert_eq!(context.run(both), (1, 2));
}

#[test]
fn what_a_thread_comes_to_while_it_suppresses_its_own_is_not_concerned() {
    set_up();
    set_both(1, 2);
    let mut of_another = child(3, 4);
    let mut own = inherit_context();
    set_both(0, 0);
    own.run(|| {
        carry::suppressed(|| {
            let mut made = of_another.run(|| {
                assert_eq!(carry::suppressed(inherit_context).run(both), (3, 4), "nothing is entered");
                inherit_context()
            });
            assert_eq!(std::thread::spawn(move || made.run(both)).join().unwrap(), (3, 4));
            // It goes on to be suppressed here.
            let mut made = inherit_context();
            assert_eq!(std::thread::spawn(move || made.run(both)).join().unwrap(), (0, 0));
        });
    });
}

/// What a child sees whose context was made on another thread.
fn inner_of_child() -> (u64, u64) {
    let make = || {
        set_both(7, 8);
        inherit_context()
    };
    std::thread::spawn(make).join().unwrap().run(both)
}

#[test]
fn a_round_trip_carries_what_is_current_and_is_undone_once() {
    set_up();
    let mut context = child(1, 2);
    context.run(|| {
        NUMBER.set(3);
        let there = round_trip(|| {
            NUMBER.set(NUMBER.get() + 1);
            both()
        });
        set_both(5, 6);
        assert_eq!(there().take_back(), (1, 2));
        assert_eq!((both(), NUMBER.get()), ((5, 6), 4));
        let there = round_trip(both);
        let returned = std::thread::spawn(there).join().unwrap();
        assert_eq!(returned.take_back(), (5, 6));
        set_both(1, 2);
    });
    assert_eq!(both(), (0, 0));
}

#[test]
fn a_round_trip_is_in_the_context_of_its_caller_though_it_carries_something() {
    set_up();
    child(1, 2).run(|| {
        let before = NUMBER.get();
        let token = NUMBER.set(before + 1);
        round_trip(|| NUMBER.reset(token).unwrap())().take_back();
        assert_eq!(NUMBER.get(), before);
    });
}

#[test]
fn a_round_trip_from_a_child_without_anything_current_carries_nothing() {
    set_up();
    child(1, 2).run(|| {
        set_both(0, 0);
        let there = round_trip(both);
        set_both(5, 6);
        assert_eq!(there().take_back(), (5, 6));
        set_both(1, 2);
    });
}
