//! The end of a context: what it alone holds is freed in an empty one.
//!
//! A context may end on any thread, which other work comes to later, and destructors of values may set variables. What
//! they set is in that empty context, which ends next, until nothing is left. So whoever runs on the thread afterwards
//! sees none of it.

use std::mem::{self, ManuallyDrop};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::super::State;
use super::super::value::Value;
use super::super::vars::Vars;
use super::entered::Entered;

/// How often destructors may set values with destructors that set values. What is left then is never freed, since that
/// would go on for ever.
const ROUNDS: usize = 64;

impl Drop for State {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: `drop` is called once, and the values are not used any more.
        let vars = unsafe { ManuallyDrop::take(&mut self.vars) };
        // Most often it is a copy of another that lives on, and nothing is freed.
        if let Some(last) = vars.into_last() {
            free(last, ROUNDS);
        }
    }
}

/// Frees the values of a context that nobody else has a copy of.
#[inline(never)]
fn free(last: Vars<Value>, rounds: usize) {
    if rounds == 0 {
        return keep_for_good(last);
    }
    in_empty_context(|| drop(last), rounds - 1);
}

/// Drops something in an empty context.
#[inline(never)]
pub(in super::super) fn drop_in_empty_context(drop: impl FnOnce()) {
    in_empty_context(drop, ROUNDS);
}

fn in_empty_context(drop: impl FnOnce(), rounds: usize) {
    // Even if a destructor panics.
    let mut left = scopeguard::guard(State::new(), |mut left| {
        if let Some(last) = mem::take(&mut *left.vars).into_last() {
            free(last, rounds);
        }
    });
    let entered = Entered::new(&mut left);
    drop();
    entered.leave();
}

/// Values that are never freed, and those that were leaked before them.
struct Leaked {
    _values: Vars<Value>,
    before: AtomicPtr<Leaked>,
}

/// Keeps values for good, where leak checkers find them: nobody lost them.
#[cold]
fn keep_for_good(values: Vars<Value>) {
    static LAST: AtomicPtr<Leaked> = AtomicPtr::new(ptr::null_mut());
    let leaked: &'static Leaked =
        Box::leak(Box::new(Leaked { _values: values, before: AtomicPtr::new(ptr::null_mut()) }));
    // Relaxed: nobody ever looks.
    let before = LAST.swap(ptr::from_ref(leaked).cast_mut(), Ordering::Relaxed);
    leaked.before.store(before, Ordering::Relaxed);
}
