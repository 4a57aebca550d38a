//! The end of a context: values that only it owns are freed in an empty context.
//!
//! A context may end on any thread, which runs other work later, and destructors of values may set variables. The
//! values that they set are in that empty context, which ends next, and so on until none is left. So later work on the
//! thread sees none of them.

use std::mem::{self, ManuallyDrop};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::super::contents::State;
use super::super::trie::Trie;
use super::super::value::{Value, ValueOf};
use super::entered::Entered;

/// How many rounds of values set by destructors are freed. Values left after that are leaked, since freeing them could
/// continue forever.
const ROUNDS: usize = 64;

impl Drop for State {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: `drop` is called once, and the values are not used after it.
        let values = unsafe { ManuallyDrop::take(&mut self.values) };
        // Usually another copy still exists, and nothing is freed.
        if let Some(last) = values.into_last() {
            free(last, ROUNDS);
        }
    }
}

impl<T> ValueOf<T> {
    /// Drops it in an empty context, so that no other code sees values that its destructor sets.
    #[inline]
    pub(crate) fn drop_apart(self) {
        if const { mem::needs_drop::<T>() } {
            drop_in_empty_context(|| drop(self));
        }
    }
}

/// Frees the values of a context of which this is the last copy.
#[inline(never)]
fn free(last: Trie<Value>, rounds: usize) {
    if rounds == 0 {
        return keep_for_good(last);
    }
    in_empty_context(|| drop(last), rounds - 1);
}

/// Drops values in an empty context.
#[inline(never)]
pub(in super::super) fn drop_in_empty_context(drop: impl FnOnce()) {
    in_empty_context(drop, ROUNDS);
}

fn in_empty_context(drop: impl FnOnce(), rounds: usize) {
    // Also if a destructor panics.
    let mut left = scopeguard::guard(State::new(), |mut left| {
        if let Some(last) = mem::take(&mut *left.values).into_last() {
            free(last, rounds);
        }
    });
    let entered = Entered::new(&mut left);
    drop();
    entered.leave();
}

/// Values that are never freed, with a link to those leaked before.
struct Leaked {
    _values: Trie<Value>,
    before: AtomicPtr<Leaked>,
}

/// Keeps values reachable forever, so that leak checkers do not report them.
#[cold]
fn keep_for_good(values: Trie<Value>) {
    static LAST: AtomicPtr<Leaked> = AtomicPtr::new(ptr::null_mut());
    let leaked: &'static Leaked =
        Box::leak(Box::new(Leaked { _values: values, before: AtomicPtr::new(ptr::null_mut()) }));
    // Relaxed: the list is never read.
    let before = LAST.swap(ptr::from_ref(leaked).cast_mut(), Ordering::Relaxed);
    leaked.before.store(before, Ordering::Relaxed);
}
