//! How long captured values live, and that contexts do not show them.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use contextvars::carry::{self, Carried};
use contextvars::{Context, copy_context, inherit_context};

use super::{FIRST, NUMBER, SECOND, both, child, set_both, set_up};

#[test]
fn what_is_captured_lives_as_long_as_a_context_has_it() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    struct Counted;
    impl Drop for Counted {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, Ordering::Relaxed);
            // As all values, it is dropped where nothing is set, and sets nothing for others.
            assert_eq!(NUMBER.get(), 0);
            NUMBER.set(1);
        }
    }
    impl Carried for Counted {
        type Undo = ();
        fn capture() -> Option<Self> {
            (FIRST.get() == 1078).then(|| {
                ALIVE.fetch_add(1, Ordering::Relaxed);
                Self
            })
        }
        fn is_current(&self) -> bool {
            FIRST.get() == 1078
        }
        fn enter(&self) -> Option<()> {
            None
        }
    }
    carry::register::<Counted>();
    let alive = || ALIVE.load(Ordering::Relaxed);
    FIRST.set(1078);
    NUMBER.set(5);
    let mut context = inherit_context();
    assert_eq!(alive(), 1);
    let inner = context.run(inherit_context);
    assert_eq!(alive(), 1, "shared");
    let copy = context.run(copy_context);
    drop(context);
    drop(inner);
    assert_eq!(alive(), 1);
    drop(copy);
    assert_eq!(alive(), 0);
    // Not inherited any more: a context without it lets it go.
    let mut context = inherit_context();
    context.run(|| {
        FIRST.set(0);
        assert_eq!(alive(), 1);
        drop(inherit_context());
    });
    drop(context);
    assert_eq!((alive(), NUMBER.get()), (0, 5));
}

#[test]
fn contexts_do_not_show_what_they_carry() {
    set_up();
    set_both(1, 2);
    let mut context = inherit_context();
    assert!(context.is_empty() && context.iter().next().is_none());
    assert_eq!((context.len(), format!("{context:?}")), (0, "{}".to_owned()));
    assert_eq!(context, Context::new());
    assert!(context.diff(&Context::new()).is_empty());
    assert_eq!(serde_json::to_string(&context).unwrap(), "{}");
    context.run(|| drop(NUMBER.set(1)));
    assert_eq!((context.len(), format!("{context:?}")), (1, "{NUMBER: 1}".to_owned()));
    assert!(contextvars::variables().all(|variable| variable.name() != "CARRIED"));
}

#[test]
fn destructors_of_thread_locals_enter_contexts_to_the_end() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Late {
        context: Option<Context>,
        is_carried: bool,
    }
    impl Drop for Late {
        fn drop(&mut self) {
            if let Some(mut context) = self.context.take() {
                let carried = u64::from(self.is_carried);
                assert_eq!(context.run(|| (FIRST.get(), NUMBER.get())), (carried, 7));
                assert_eq!(FIRST.get(), 0);
                drop(inherit_context());
                DROPPED.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    thread_local! {
        static LATE: RefCell<Late> = const { RefCell::new(Late { context: None, is_carried: false }) };
    }

    set_up();
    for is_first in [false, true] {
        let mut context = child(1, 2);
        let late = Late { context: Some(context.clone()), is_carried: !is_first };
        let work = move || {
            if is_first {
                // It is dropped last, after what frees the thread's list of entries.
                LATE.set(late);
                assert_eq!(context.run(both), (1, 2));
            } else {
                assert_eq!(context.run(both), (1, 2));
                LATE.set(late);
            }
        };
        std::thread::spawn(work).join().unwrap();
    }
    assert_eq!(DROPPED.load(Ordering::Relaxed), 2);
}

#[cfg(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64", target_arch = "arm"))]
mod coroutines {
    use std::sync::atomic::AtomicBool;
    use std::sync::{Arc, Mutex};

    use corosensei::Coroutine;

    use super::*;

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
}
