//! A thread's base context: the one that is current if none has been entered. It ends with the thread.
//!
//! Its values are stored separately from those of entered contexts, and a read searches them only if the entered
//! context has no value. So on a worker, where they would be values of unrelated work, they can be ignored, and reads
//! of values in an entered context do not pay for that check.

use std::mem::ManuallyDrop;
use std::panic::{self, AssertUnwindSafe};

use super::super::mark::Mark;
use super::super::trie::Trie;
use super::super::value::Value;
use super::{Current, with_current};
use crate::worker;

thread_local! {
    /// Frees the thread's values when it ends; installed when there is first something to free.
    static CLEANER: Cleaner = const { Cleaner };
}

struct Cleaner;

impl Drop for Cleaner {
    fn drop(&mut self) {
        let mut values = Trie::new();
        let mut base = Trie::new();
        let saved = with_current(|current| {
            current.pin_readers();
            // Usually empty, but coroutines may have left a context other than the base current here.
            Current::exchange(&current.values, &mut values);
            Current::exchange(&current.base, &mut base);
            if !current.mark.get().is_base() {
                current.set_mark(Mark::BASE);
            }
            current.take_all_saved()
        });
        // A destructor that panics here would abort the process, for a value that is no longer needed.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| drop((values, base, saved))));
    }
}

/// Ensures that the thread's values are freed when it ends. Returns `false` if the cleaner has run already: then
/// nothing would free them.
#[inline]
pub(super) fn is_cleaned_up() -> bool {
    CLEANER.try_with(|_| ()).is_ok()
}

impl Current {
    /// Whether a set has no effect any more: the thread is ending and has freed its base context.
    #[inline]
    pub(super) fn is_gone(&self) -> bool {
        self.mark.get().is_base() && !is_cleaned_up()
    }

    /// Whether the running code sees values of the base context.
    #[inline]
    fn shows_base(&self) -> bool {
        self.mark.get().is_base() && !self.base_values().is_empty() && !worker::is_worker()
    }

    /// A value of the base context, for a variable without a value in the entered context.
    #[inline]
    pub(super) fn find_in_base(&self, id: u32) -> Option<ManuallyDrop<Value>> {
        if self.shows_base() { self.base_values().get(id).map(Value::uncounted) } else { None }
    }

    /// A copy of the values that are visible if no context has been entered.
    #[cold]
    #[inline(never)]
    pub(super) fn copy_of_base(&self) -> Trie<Value> {
        if self.shows_base() { self.base_values().clone() } else { Trie::new() }
    }
}
