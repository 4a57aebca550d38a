//! How long captured values live, and that contexts do not show them.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use contextvars::carry::{self, Carried};
use contextvars::{Context, copy_context, inherit_context};

use super::{FIRST, NUMBER, both, child, set_both, set_up};

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
