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
use super::{BaseCopy, Current, with_current};
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
        let copy = with_current(|current| {
            current.pin_readers();
            // Usually empty, but coroutines may have left a context other than the base current here.
            current.values.exchange(&mut values);
            current.base.exchange(&mut base);
            if !current.mark.get().is_base() {
                current.set_mark(Mark::BASE);
            }
            ManuallyDrop::into_inner(current.base_copy.take())
        });
        // A destructor that panics here would abort the process, for a value that is no longer needed.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| drop((values, base, copy))));
        while let Some(saved) = with_current(Current::take_last_saved) {
            let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(saved)));
        }
    }
}

/// Ensures that the thread's values are freed when it ends. Returns `false` if the cleaner has run already: then
/// nothing would free them.
#[inline]
pub(super) fn will_be_cleaned_up() -> bool {
    CLEANER.try_with(|_| ()).is_ok()
}

/// Makes the base context current again, and keeps the copy of it for the next scope. Returns `false`, and does nothing,
/// if the thread is ending: then nothing would free the copy.
///
/// The caller has undone its changes of the copy, and pinned the readers. Nothing is allocated meanwhile: the cleaner was
/// installed when the copy was made.
#[inline(never)]
pub(super) fn keep_for_next(base: Mark, was_visible: bool) -> bool {
    if !will_be_cleaned_up() {
        return false;
    }
    with_current(|current| {
        let mut values = Trie::new();
        current.values.exchange(&mut values);
        current.set_mark(base);
        let before = current.base_copy.replace(ManuallyDrop::new(BaseCopy { values, was_visible }));
        drop(ManuallyDrop::into_inner(before));
        true
    })
}

impl Current {
    /// A copy of the base context: the one that the last scope has kept, or a new one.
    #[inline]
    pub(super) fn take_base_copy(&self) -> BaseCopy {
        let kept = ManuallyDrop::into_inner(self.base_copy.take());
        let fits = kept.was_visible == self.is_base_visible() && !kept.values.is_empty();
        if fits {
            return kept;
        }
        // Dropped first: an allocator that uses variables may change the base context meanwhile.
        drop(kept);
        self.new_base_copy()
    }

    #[inline(never)]
    fn new_base_copy(&self) -> BaseCopy {
        // The context of a scope that is suspended by mistake can still be current when the thread ends.
        let _: bool = will_be_cleaned_up();
        BaseCopy { values: self.copy_of_base(), was_visible: self.is_base_visible() }
    }

    /// Whether the running code sees values of the base context if that is current.
    #[inline]
    fn is_base_visible(&self) -> bool {
        !self.base.get().is_empty() && !worker::is_worker()
    }

    /// The values of the base context, if the running code sees them.
    #[inline]
    pub(super) fn visible_base(&self) -> Option<&Trie<Value>> {
        (self.mark.get().is_base() && self.is_base_visible()).then(|| self.base.get())
    }

    /// A copy of the values that are visible if no context has been entered.
    #[cold]
    #[inline(never)]
    pub(super) fn copy_of_base(&self) -> Trie<Value> {
        self.visible_base().map_or(Trie::new(), Trie::clone)
    }
}
