//! Scopes whose context is changed, left or ended by other code while they are open.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;

use contextvars::context_var;

use super::super::super::{Bound, Entered, Scope, State, set};
use super::super::with_current;
use super::expect_scopes_elsewhere;

#[context_var]
static NAME: u32;
#[context_var]
static OTHER: u32;

struct SetsOther {
    _alive: Arc<()>,
}

impl Drop for SetsOther {
    fn drop(&mut self) {
        drop(set(&OTHER, 666).ok());
    }
}
#[context_var]
static SETS: SetsOther;

struct Panics {
    _alive: Arc<()>,
}

impl Drop for Panics {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic::resume_unwind(Box::new(()));
        }
    }
}
#[context_var]
static PANICS: Panics;

fn name() -> Option<u32> {
    NAME.try_get().ok()
}

fn enter(state: State) -> (*mut State, Entered<'static>) {
    let state = Box::into_raw(Box::new(state));
    // SAFETY: the place stays until `leave` has used the guard up.
    (state, Entered::new(unsafe { &mut *state }))
}
fn leave((state, entered): (*mut State, Entered<'static>)) -> State {
    entered.leave();
    // SAFETY: it came from a box, and no borrow of it is alive.
    *unsafe { Box::from_raw(state) }
}

/// A future polled by hand in `ctx.run`, whose body is suspended in a scope; meanwhile the context is changed on
/// another thread.
#[test]
fn a_context_in_a_scope_may_be_changed_on_another_thread_meanwhile() {
    thread::spawn(|| {
        let mut ctx = State::new();
        ctx.insert(&NAME, 1);
        let place = enter(ctx);
        let open = Scope::new([Bound::new(&NAME, 2)]);
        let mut ctx = leave(place);
        ctx = thread::spawn(move || {
            let mut ctx = ctx;
            let entered = Entered::new(&mut ctx);
            drop(set(&OTHER, 3).ok());
            entered.leave();
            ctx
        })
        .join()
        .unwrap();
        let place = enter(ctx);
        drop(open);
        let after = (name(), OTHER.try_get().ok());
        drop(leave(place));
        assert_eq!(after.0, Some(1), "the scope is over");
    })
    .join()
    .unwrap();
}

/// The same within a scope of a base context: its copy is kept for the next scope with the values of the inner one.
#[test]
fn what_another_thread_sets_in_a_scope_is_in_no_copy_that_is_left() {
    thread::spawn(|| {
        drop(set(&NAME, 1).ok());
        let base_scope = Scope::new([Bound::new(&OTHER, 10)]);
        let a = enter(State::new());
        let b = enter(State::new());
        // Now the base scope's context is current.
        drop(leave(a));
        let inner = Scope::new([Bound::new(&NAME, 99)]);
        let mut parked = leave(b);
        parked = thread::spawn(move || {
            let mut parked = parked;
            let entered = Entered::new(&mut parked);
            drop(set(&OTHER, 77).ok());
            entered.leave();
            parked
        })
        .join()
        .unwrap();
        let place = enter(parked);
        drop(inner);
        drop(base_scope);
        assert_eq!(name(), Some(1));
        let next = Scope::new([Bound::new(&OTHER, 5)]);
        let seen = name();
        drop(next);
        drop(leave(place));
        assert_eq!(seen, Some(1), "the next scope in the base context");
    })
    .join()
    .unwrap();
}

#[test]
fn destructors_of_a_scope_that_ends_elsewhere_change_no_other_context() {
    expect_scopes_elsewhere();
    thread::spawn(|| {
        let open = Scope::new([Bound::new(&SETS, SetsOther { _alive: Arc::new(()) })]);
        let open2 = Scope::new([Bound::new(&SETS, SetsOther { _alive: Arc::new(()) })]);
        let mut other = State::new();
        let entered = Entered::new(&mut other);
        assert!(panic::catch_unwind(AssertUnwindSafe(|| drop(open2))).is_err());
        assert!(panic::catch_unwind(AssertUnwindSafe(|| drop(open))).is_err());
        let seen = OTHER.try_get().ok();
        entered.leave();
        assert_eq!(seen, None);
    })
    .join()
    .unwrap();
}

#[test]
fn destructors_after_one_that_panics_change_no_other_context() {
    thread::spawn(|| {
        let open = Scope::new([
            Bound::new(&PANICS, Panics { _alive: Arc::new(()) }),
            Bound::new(&SETS, SetsOther { _alive: Arc::new(()) }),
        ]);
        assert!(panic::catch_unwind(AssertUnwindSafe(|| drop(open))).is_err());
        assert_eq!(OTHER.try_get().ok(), None);
    })
    .join()
    .unwrap();
}

#[test]
fn what_was_saved_goes_though_a_destructor_panics() {
    thread::spawn(|| {
        let alive = Arc::new(());
        let open = Scope::new([Bound::new(&SETS, SetsOther { _alive: Arc::clone(&alive) })]);
        drop(set(&PANICS, Panics { _alive: Arc::clone(&alive) }).ok());
        assert!(panic::catch_unwind(AssertUnwindSafe(|| drop(open))).is_err());
        let saved = with_current(|current| {
            let saved = current.saved.take();
            let is_some = saved.is_some();
            current.saved.set(saved);
            is_some
        });
        assert!(!saved);
        assert_eq!((Arc::strong_count(&alive), OTHER.try_get().ok()), (1, None));
    })
    .join()
    .unwrap();
}
