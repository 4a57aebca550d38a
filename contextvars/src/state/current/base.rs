//! A thread's base context: the one that is current where none was entered. It ends with the thread.
//!
//! Its values stand apart from those of the contexts that are entered, and a read comes to them only if it found nothing
//! there. So on a worker, where they would be values of unrelated work, they can be left out, and no read of a value in
//! a context that was entered pays for it.

use std::mem::ManuallyDrop;
use std::panic::{self, AssertUnwindSafe};

use super::super::mark::Mark;
use super::super::value::Value;
use super::super::vars::Vars;
use super::{Current, with_current};
use crate::worker;

thread_local! {
    /// Frees what the thread holds when it ends; set up when there first is something to free.
    static CLEANER: Cleaner = const { Cleaner };
}

struct Cleaner;

impl Drop for Cleaner {
    fn drop(&mut self) {
        let mut values = Vars::new();
        let mut base = Vars::new();
        let saved = with_current(|current| {
            current.pin_readers();
            // Most often nothing: but coroutines may have left another context here than the base.
            Current::exchange(&current.values, &mut values);
            Current::exchange(&current.base, &mut base);
            if !current.mark.get().is_base() {
                current.set_mark(Mark::BASE);
            }
            current.take_all_saved()
        });
        // A destructor that panics here would abort the process, for a value that nobody needs any more.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| drop((values, base, saved))));
    }
}

/// Sees to it that what the thread holds is freed when it ends. Returns `false` if that is over: then nobody would.
#[inline]
pub(super) fn is_cleaned_up() -> bool {
    CLEANER.try_with(|_| ()).is_ok()
}

impl Current {
    /// Whether values set now would be lost: the thread is going away and has given up its base context.
    #[inline]
    pub(super) fn is_gone(&self) -> bool {
        self.mark.get().is_base() && !is_cleaned_up()
    }

    /// Whether the code at hand sees values of the base context.
    #[inline]
    fn shows_base(&self) -> bool {
        self.mark.get().is_base() && !self.base_values().is_empty() && !worker::is_worker()
    }

    /// A value that is not among those of a context that was entered.
    #[inline]
    pub(super) fn find_in_base(&self, id: u32) -> Option<ManuallyDrop<Value>> {
        if self.shows_base() { self.base_values().get(id).map(Value::uncounted) } else { None }
    }

    /// A copy of the values that are seen where no context was entered.
    #[cold]
    #[inline(never)]
    pub(super) fn copy_of_base(&self) -> Vars<Value> {
        if self.shows_base() { self.base_values().clone() } else { Vars::new() }
    }
}
