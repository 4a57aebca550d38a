//! Shared contexts: one context with several handles, entered by one caller at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, mpsc};
use std::thread;

use contextvars::{Context, ContextExt, SharedContext, context_var, copy_context};

use crate::support::{Census, Citizen, OnDrop, isolated, panic_of};

#[context_var(default = 0)]
static COUNT: usize;

#[context_var]
static COUNTED: Citizen;

fn count() -> usize {
    COUNT.set(COUNT.get() + 1);
    COUNT.get()
}

#[test]
fn a_new_shared_context_is_empty_and_free() {
    for shared in [SharedContext::new(), SharedContext::default(), SharedContext::from(Context::new())] {
        assert!(shared.copy().unwrap().is_empty());
        assert!(!shared.is_entered());
    }
}

#[test]
fn all_handles_mean_the_same_context() {
    let shared = SharedContext::from(Context::new().with(&COUNT, 10));
    let other = shared.clone();
    assert_eq!((shared.run(count), other.run(count), shared.run(count)), (Ok(11), Ok(12), Ok(13)));
    assert_eq!(other.copy().unwrap()[&COUNT], 13);
}

#[test]
fn run_keeps_changes_in_the_shared_context_only() {
    isolated(|| {
        COUNT.set(5);
        let shared = SharedContext::new();
        assert_eq!(shared.run(count), Ok(1));
        assert_eq!(COUNT.get(), 5);
    });
}

#[test]
fn a_copy_changes_apart() {
    let shared = SharedContext::from(Context::new().with(&COUNT, 1));
    let mut copy = shared.copy().unwrap();
    copy.run(count);
    assert_eq!(shared.copy().unwrap()[&COUNT], 1);
    shared.run(count).unwrap();
    shared.run(count).unwrap();
    assert_eq!((copy[&COUNT], shared.copy().unwrap()[&COUNT]), (2, 3));
}

#[test]
fn entering_twice_is_an_error_and_the_function_is_not_called() {
    let shared = SharedContext::new();
    let other = shared.clone();
    shared
        .run(|| {
            assert!(shared.is_entered() && other.is_entered());
            assert!(other.run(|| unreachable!("it is entered")).is_err());
            // From within other contexts, too.
            assert!(Context::new().run(|| shared.run(|| unreachable!("it is entered"))).is_err());
            assert!(SharedContext::new().run(|| shared.run(|| unreachable!("it is entered"))).unwrap().is_err());
            COUNT.set(7);
        })
        .unwrap();
    assert!(!shared.is_entered());
    assert_eq!(shared.copy().unwrap()[&COUNT], 7);
}

#[test]
fn what_was_passed_to_a_refused_run_is_dropped() {
    let census = Census::new();
    let shared = SharedContext::new();
    let citizen = census.citizen();
    assert!(shared.run(|| shared.run(move || drop(citizen))).unwrap().is_err());
    assert_eq!(census.alive(), 0);
}

#[test]
fn an_entered_context_cannot_be_copied_from_outside_but_from_inside() {
    let shared = SharedContext::from(Context::new().with(&COUNT, 1));
    let inside = shared.run(|| {
        assert!(shared.copy().is_err());
        copy_context()
    });
    assert_eq!(inside.unwrap(), shared.copy().unwrap());
}

#[test]
fn another_thread_gets_an_error_and_never_waits() {
    let shared = SharedContext::new();
    shared
        .run(|| {
            // Joined within `run`: if the other thread waited for its end, this would hang.
            let refused = thread::scope(|scope| {
                let thread = scope.spawn(|| (shared.run(|| ()).is_err(), shared.copy().is_err(), shared.is_entered()));
                thread.join().unwrap()
            });
            assert_eq!(refused, (true, true, true));
        })
        .unwrap();
    assert_eq!(thread::scope(|scope| scope.spawn(|| shared.run(count)).join().unwrap()), Ok(1));
}

#[test]
fn of_many_threads_one_at_a_time_gets_in_and_no_change_is_lost() {
    const EACH: usize = if cfg!(miri) { 5 } else { 200 };
    let shared = SharedContext::new();
    let (entered, inside) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                let mut successes = 0;
                while successes < EACH {
                    let result = shared.run(|| {
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "alone in here");
                        count();
                        inside.fetch_sub(1, Ordering::SeqCst);
                    });
                    match result {
                        Ok(()) => successes += 1,
                        Err(_) => thread::yield_now(),
                    }
                }
                entered.fetch_add(successes, Ordering::SeqCst);
            });
        }
    });
    assert_eq!((entered.into_inner(), shared.copy().unwrap()[&COUNT]), (8 * EACH, 8 * EACH));
}

#[test]
fn a_panic_inside_leaves_it_usable_with_the_changes_made_so_far() {
    isolated(|| {
        let shared = SharedContext::new();
        let panicked = panic_of(|| {
            shared.run(|| {
                count();
                assert!(COUNT.get() > 1, "after the change");
            })
        });
        assert!(panicked.message.contains("after the change"));
        assert!(!COUNT.is_set());
        assert!(!shared.is_entered());
        assert_eq!(shared.run(count), Ok(2));
        // A panic on another thread is no different.
        let on_thread = thread::scope(|scope| {
            let thread = scope.spawn(|| panic_of(|| shared.run(|| panic!("at {}", count()))));
            thread.join().unwrap()
        });
        assert_eq!(on_thread.message, "at 3");
        assert_eq!(shared.run(count), Ok(4));
    });
}

#[test]
fn a_panic_of_a_refused_inner_run_s_caller_frees_the_context_too() {
    let shared = SharedContext::new();
    let panicked = panic_of(|| shared.run(|| shared.run(|| ()).unwrap()));
    assert!(panicked.message.contains("already entered"), "{}", panicked.message);
    assert_eq!(shared.run(count), Ok(1));
}

#[test]
fn the_context_lives_as_long_as_its_handles() {
    let census = Census::new();
    let shared = SharedContext::from(Context::new().with(&COUNTED, census.citizen()));
    let other = shared.clone();
    drop(shared);
    assert_eq!(census.alive(), 1);
    // The last handle goes while the context is entered.
    let mut slot = Some(other);
    let last = slot.clone().unwrap();
    last.run(|| {
        drop(slot.take());
        assert!(COUNTED.is_set());
    })
    .unwrap();
    assert_eq!(census.alive(), 1);
    drop(last);
    assert_eq!(census.alive(), 0);
}

#[context_var]
static CALLS_BACK: OnDrop<Box<dyn FnMut() + Send + Sync>>;

#[test]
fn a_value_s_destructor_may_ask_for_the_very_context_it_is_in() {
    let (sender, answers) = mpsc::channel();
    let shared = SharedContext::new();
    let handle = shared.clone();
    let call_back = move || sender.send((handle.is_entered(), handle.run(count).is_err())).expect("the test listens");
    shared
        .run(|| {
            CALLS_BACK.set(OnDrop(Box::new(call_back)));
            drop(CALLS_BACK.set(OnDrop(Box::new(|| ()))));
        })
        .unwrap();
    assert_eq!(answers.recv(), Ok((true, true)));
    assert!(!shared.is_entered());
}

#[test]
fn a_future_can_be_polled_in_it_step_by_step() {
    let shared = SharedContext::new();
    let mut work = Box::pin(
        async {
            count();
        }
        .in_context(shared.copy().unwrap()),
    );
    shared.run(|| pollster::block_on(work.as_mut())).unwrap();
    // The future ran in its own copy.
    assert_eq!((work.context()[&COUNT], shared.copy().unwrap().is_empty()), (1, true));
}

#[test]
fn debug_shows_the_context_or_that_it_is_entered() {
    let shared = SharedContext::from(Context::new().with(&COUNT, 1));
    assert_eq!(format!("{shared:?}"), "SharedContext({COUNT: 1})");
    assert_eq!(shared.run(|| format!("{shared:?}")).unwrap(), "SharedContext(entered)");
}

#[test]
fn a_handle_is_send_and_sync() {
    fn send_and_sync<T: Send + Sync + Clone + 'static>() {}
    send_and_sync::<SharedContext>();
}
