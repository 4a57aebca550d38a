//! A thread's base context: the one that is current where none was entered. It ends with the thread.

use std::panic::{self, AssertUnwindSafe};

use super::super::vars::Vars;
use super::{CURRENT, Current};

thread_local! {
    /// Frees the thread's base context when the thread ends; set up by the first set in it.
    static BASE_CLEANER: BaseCleaner = const { BaseCleaner };
}

struct BaseCleaner;

impl Drop for BaseCleaner {
    fn drop(&mut self) {
        let mut vars = Vars::new();
        CURRENT.with(|current| {
            current.pin_readers();
            current.exchange_values(&mut vars);
        });
        // A destructor that panics here would abort the process, for a value that nobody needs any more.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(vars)));
    }
}

impl Current {
    /// Whether values set now would be lost: the thread is going away and has given up its base context.
    #[inline]
    pub(super) fn is_gone(&self) -> bool {
        self.mark.get().is_base() && BASE_CLEANER.try_with(|_| ()).is_err()
    }
}
