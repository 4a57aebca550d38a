//! Carried state of coroutines with stacks of their own, which may leave in any order.

// Assembly, for these processors, and not for Miri.
#![cfg(all(not(miri), any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64", target_arch = "arm")))]

use std::cell::{Cell, RefCell};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use contextvars::carry::{self, Carried};
use contextvars::{Context, inherit_context};
use corosensei::{Coroutine, Yielder};

use super::{FIRST, NUMBER, SECOND, both, child, set_both, set_up};

#[test]
fn coroutines_in_suppressed_calls_may_end_in_any_order() {
    set_up();
    let suppressed = || Coroutine::<(), (), ()>::new(|yielder, ()| carry::suppressed(|| yielder.suspend(())));
    let entered = || {
        let mut context = child(1, 2);
        Coroutine::<(), (), ()>::new(move |yielder, ()| context.run(|| yielder.suspend(())))
    };
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut coroutines = [suppressed(), entered(), suppressed()];
        for coroutine in &mut coroutines {
            coroutine.resume(());
        }
        for index in order {
            coroutines[index].resume(());
        }
        set_both(7, 8);
        let mut context = inherit_context();
        set_both(0, 0);
        assert_eq!(context.run(both), (7, 8), "{order:?}: nothing is suppressed any more");
    }
}

#[test]
fn nothing_is_carried_from_a_suppressed_call_though_one_of_a_coroutine_has_ended_in_another_order() {
    set_up();
    let suppressed_child = || {
        set_both(7, 8);
        let child = carry::suppressed(inherit_context);
        set_both(0, 0);
        child
    };
    for ends_before in [true, false] {
        let mut suppressed = Coroutine::<(), (), ()>::new(|yielder, ()| {
            carry::suppressed(|| yielder.suspend(()));
        });
        let mut context = child(1, 2);
        let mut entered = Coroutine::<(), (), ()>::new(move |yielder, ()| {
            context.run(|| {
                yielder.suspend(());
                let mut made = suppressed_child();
                assert_eq!(std::thread::spawn(move || made.run(both)).join().unwrap(), (0, 0));
                set_both(1, 2);
            });
        });
        suppressed.resume(());
        entered.resume(());
        suppressed.resume(());
        if ends_before {
            entered.resume(());
            assert_eq!(both(), (0, 0));
        }
        let mut made = suppressed_child();
        assert_eq!(std::thread::spawn(move || made.run(both)).join().unwrap(), (0, 0), "{ends_before}");
        if !ends_before {
            entered.resume(());
        }
    }
}

thread_local! {
    /// By which the next call of the carrier is suspended, if it is to be.
    static SUSPENDED_BY: Cell<*const Yielder<(), ()>> = const { Cell::new(ptr::null()) };
}

#[expect(unsafe_code, reason = "a carrier has no argument by which a yielder could reach it")]
fn suspend() {
    // SAFETY: null, or set by the coroutine that runs here, whose yielder lives until that has come to its end.
    if let Some(yielder) = unsafe { SUSPENDED_BY.replace(ptr::null()).as_ref() } {
        yielder.suspend(());
    }
}

/// A carrier whose code suspends the coroutine that it runs in, though it must not do that.
struct Suspends;

impl Carried for Suspends {
    type Undo = ();
    fn capture() -> Option<Self> {
        (FIRST.get() == 1080).then_some(Self)
    }
    fn enter(&self) -> Option<()> {
        suspend();
        Some(())
    }
    fn leave(&self, (): ()) {
        suspend();
    }
}

#[test]
fn a_thread_carries_again_when_coroutines_have_come_out_of_a_carrier_in_whatever_order() {
    carry::register::<Suspends>();
    set_up();
    for enters_first in [true, false] {
        let (mut first, mut second) = (child(1080, 0), child(1080, 0));
        let mut leaving = Coroutine::<(), (), ()>::new(move |yielder, ()| {
            first.run(|| {
                yielder.suspend(());
                SUSPENDED_BY.set(yielder);
            });
        });
        let mut entering = Coroutine::<(), (), ()>::new(move |yielder, ()| {
            SUSPENDED_BY.set(yielder);
            second.run(|| ());
        });
        leaving.resume(());
        entering.resume(());
        leaving.resume(());
        assert!(!leaving.done() && !entering.done());
        set_both(0, 0);
        assert_eq!(child(1, 2).run(both), (0, 0), "nothing is carried while a carrier's code runs");
        let both_in_order = if enters_first { [&mut entering, &mut leaving] } else { [&mut leaving, &mut entering] };
        for coroutine in both_in_order {
            coroutine.resume(());
            assert!(coroutine.done());
        }
        set_both(0, 0);
        assert_eq!(child(1, 2).run(both), (1, 2));
    }
}

/// One is captured where this is set.
static CAPTURED: Mutex<Option<Watched>> = Mutex::new(None);

/// Says that it is dropped, and whether it sees a value then.
struct Watched {
    is_dropped: Arc<AtomicBool>,
    sees_number: Arc<AtomicBool>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.is_dropped.store(true, Ordering::Relaxed);
        self.sees_number.store(NUMBER.get() != 0, Ordering::Relaxed);
    }
}

impl Carried for Watched {
    type Undo = u64;
    fn capture() -> Option<Self> {
        if SECOND.get() == 1079 { CAPTURED.lock().unwrap().take() } else { None }
    }
    fn enter(&self) -> Option<u64> {
        Some(FIRST.replace(1079))
    }
    fn leave(&self, before: u64) {
        FIRST.set(before);
    }
}

/// A coroutine that enters a child's context with a value of its own, which drops it afterwards.
fn entered() -> (Coroutine<(), (), ()>, Arc<AtomicBool>, Arc<AtomicBool>) {
    carry::register::<Watched>();
    let (is_dropped, sees_number) = (Arc::default(), Arc::default());
    let watched = Watched { is_dropped: Arc::clone(&is_dropped), sees_number: Arc::clone(&sees_number) };
    let mut captured = CAPTURED.lock().unwrap();
    assert!(captured.replace(watched).is_none());
    drop(captured);
    let before = SECOND.replace(1079);
    let mut context = inherit_context();
    SECOND.set(before);
    let mut coroutine = Coroutine::new(move |yielder, ()| context.run(|| yielder.suspend(())));
    coroutine.resume(());
    assert_eq!(FIRST.get(), 1079);
    (coroutine, is_dropped, sees_number)
}

/// Ends a coroutine with its thread.
struct Ends(Option<Coroutine<(), (), ()>>);
impl Drop for Ends {
    fn drop(&mut self) {
        if let Some(coroutine) = &mut self.0 {
            coroutine.resume(());
            assert_eq!(FIRST.get(), 0, "it has left what it had entered");
        }
    }
}

thread_local!(static ENDS: RefCell<Ends> = const { RefCell::new(Ends(None)) });

// One test, since what is captured is the whole process's.
#[test]
fn what_is_left_last_or_at_the_end_of_its_thread_is_left_and_dropped_where_nothing_is_set() {
    // The other context takes what the first one has carried, and is gone before that is left.
    let other_order = || {
        drop(NUMBER.set(5));
        let mut other = Context::new();
        let mut outer = Coroutine::<(), (), ()>::new(move |yielder, ()| other.run(|| yielder.suspend(())));
        outer.resume(());
        let (mut inner, is_dropped, sees_number) = entered();
        outer.resume(());
        drop(outer);
        assert!(!is_dropped.load(Ordering::Relaxed), "it is still to be left");
        inner.resume(());
        assert_eq!(FIRST.get(), 0);
        assert_eq!([is_dropped, sees_number].map(|it| it.load(Ordering::Relaxed)), [true, false]);
    };
    std::thread::spawn(other_order).join().unwrap();

    for is_first in [true, false] {
        let at_the_end = move || {
            if is_first {
                ENDS.with(|_| ());
            }
            let (coroutine, is_dropped, _) = entered();
            ENDS.set(Ends(Some(coroutine)));
            is_dropped
        };
        let is_dropped = std::thread::spawn(at_the_end).join().unwrap();
        assert!(is_dropped.load(Ordering::Relaxed), "first: {is_first}");
    }
}
