//! `scope` and `sync_scope`: one variable has a value for a while, all others are shared with the caller.

use std::future::ready;
use std::pin::pin;

use contextvars::{Context, ContextExt, context_var, tokio, with_context};

use crate::support::{Census, Citizen, isolated, on_a_thread, panic_of, poll, yielding};

#[context_var]
static NUMBER: u32;

#[context_var(default = 0)]
static CALLS: u32;

#[context_var]
static COUNTED: Citizen;

fn count() -> u32 {
    CALLS.set(CALLS.get() + 1);
    NUMBER.get()
}

#[test]
fn a_counter_that_is_incremented_in_a_scope_is_not_lost() {
    isolated(|| {
        assert_eq!(NUMBER.sync_scope(1, count), 1);
        let work = async {
            yielding().await;
            count()
        };
        assert_eq!(pollster::block_on(NUMBER.scope(2, work)), 2);
        assert_eq!((CALLS.get(), NUMBER.is_set()), (2, false));
    });
}

#[test]
fn scopes_within_one_another_have_all_of_their_values_whatever_the_order_they_are_written_in() {
    isolated(|| {
        let read = || async { (NUMBER.get(), CALLS.get()) };
        assert_eq!(pollster::block_on(NUMBER.scope(1, CALLS.scope(2, read()))), (1, 2));
        assert_eq!(pollster::block_on(CALLS.scope(2, NUMBER.scope(1, read()))), (1, 2));
        assert_eq!(NUMBER.sync_scope(1, || (NUMBER.sync_scope(2, || NUMBER.get()), NUMBER.get())), (2, 1));
    });
}

#[test]
fn a_future_has_the_value_that_it_set_with_its_next_poll_and_its_caller_does_not() {
    isolated(|| {
        NUMBER.set(9);
        let mut future = pin!(NUMBER.scope(1, async {
            NUMBER.set(2);
            yielding().await;
            NUMBER.get()
        }));
        assert!(poll(future.as_mut()).is_pending());
        assert_eq!(NUMBER.get(), 9);
        NUMBER.set(10);
        assert_eq!(Context::new().run(|| poll(future.as_mut())), std::task::Poll::Ready(2));
        assert_eq!(NUMBER.get(), 10);
    });
}

#[test]
fn the_future_is_dropped_with_its_value() {
    struct Reads(std::rc::Rc<std::cell::Cell<u32>>);
    impl Drop for Reads {
        fn drop(&mut self) {
            self.0.set(NUMBER.get());
        }
    }
    isolated(|| {
        let seen = std::rc::Rc::default();
        let reads = Reads(std::rc::Rc::clone(&seen));
        drop(NUMBER.scope(7, async move {
            ready(()).await;
            drop(reads);
        }));
        assert_eq!((seen.get(), NUMBER.is_set()), (7, false));
    });
}

#[test]
fn a_plain_task_has_its_value_in_a_scope_and_leaves_nothing_to_the_next() {
    // The way in which code of `task_local!` gives a task its value.
    let runtime = ::tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    runtime.block_on(async {
        for number in 1..=3 {
            let work = NUMBER.scope(number, async {
                let before = NUMBER.get();
                ::tokio::task::yield_now().await;
                (before, NUMBER.scope(9, async { NUMBER.get() }).await, NUMBER.get())
            });
            assert_eq!(::tokio::spawn(work).await.expect("no panic"), (number, 9, number));
            let next = ::tokio::spawn(async { (NUMBER.is_set(), CALLS.get()) });
            assert_eq!(next.await.expect("no panic"), (false, 0));
        }
        let sync = ::tokio::spawn(async { NUMBER.sync_scope(4, || NUMBER.get()) });
        assert_eq!(sync.await.expect("no panic"), 4);
    });
}

#[test]
fn what_a_plain_task_cannot_set_it_cannot_in_a_scope_either_so_nothing_is_lost_in_silence() {
    let runtime = ::tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    runtime.block_on(async {
        let work = NUMBER.scope(1, async { (CALLS.try_set(1).is_err(), panic_of(count).message) });
        let (refused, message) = ::tokio::spawn(work).await.expect("no panic");
        assert!(refused && message.contains("`CALLS`"), "{message}");
        // In a context of its own, within the scope or around it, a task may set.
        let inside = NUMBER.scope(1, async { with_context!(CALLS = 5, async { count() + CALLS.get() }).await });
        assert_eq!(::tokio::spawn(inside).await.expect("no panic"), 7);
        let around = NUMBER.scope(1, async { count() + CALLS.get() }).in_context(Context::new());
        assert_eq!(::tokio::spawn(around).await.expect("no panic"), 2);
    });
}

#[test]
fn what_is_spawned_in_a_scope_inherits() {
    let runtime = ::tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let child = NUMBER.scope(7, async { tokio::spawn(async { NUMBER.get() }).await.expect("no panic") });
    assert_eq!(runtime.block_on(child), 7);
}

#[test]
fn a_panic_leaves_the_caller_s_value_and_the_future_s() {
    isolated(|| {
        NUMBER.set(9);
        assert_eq!(panic_of(|| NUMBER.sync_scope(1, || panic!("mine"))).message, "mine");
        assert_eq!(NUMBER.get(), 9);
        let mut future = Box::pin(NUMBER.scope(1, async { panic!("the future's") }));
        assert_eq!(panic_of(|| poll(future.as_mut())).message, "the future's");
        assert_eq!(NUMBER.get(), 9);
    });
}

#[test]
fn a_scope_in_a_scope_s_body_and_in_a_future_with_a_context_are_like_any() {
    isolated(|| {
        let seen = with_context!(NUMBER = 1, { (NUMBER.sync_scope(2, count), NUMBER.get(), CALLS.get()) });
        assert_eq!((seen, CALLS.get()), ((2, 1, 1), 0));
        let future = NUMBER.scope(3, async { (count(), CALLS.get()) }).in_context(Context::new().with(&CALLS, 5));
        assert_eq!(pollster::block_on(future), (3, 6));
    });
}

#[test]
fn a_value_is_freed_with_its_scope_and_not_before() {
    let census = Census::new();
    let alive = census.clone();
    on_a_thread(move || {
        COUNTED.sync_scope(census.citizen(), || assert_eq!(census.alive(), 1));
        assert_eq!(census.alive(), 0);
        let mut future = Box::pin(COUNTED.scope(census.citizen(), async {}));
        assert_eq!(census.alive(), 1);
        assert!(poll(future.as_mut()).is_ready());
        // Done and kept.
        assert_eq!(census.alive(), 0);
        assert!(panic_of(|| poll(future.as_mut())).message.contains("cannot be polled again"));
    });
    assert_eq!(alive.alive(), 0);
}

#[test]
fn a_scoped_future_shows_its_variable_and_not_its_value() {
    let shown = format!("{:?}", NUMBER.scope(314, ready(())));
    assert!(shown.starts_with("ScopedFuture {") && shown.contains("scoped_variables::NUMBER"), "{shown}");
    assert!(!shown.contains("314"), "{shown}");
}
