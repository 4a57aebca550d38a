//! [`Id`]: a variable's number, under which contexts keep its values.

use std::sync::PoisonError;

// The standard library's, or loom's in `tests/loom`.
use super::sync::Mutex;
use super::sync::atomic::{AtomicU32, Ordering};

/// The id of every variable that was never set: no context has a value under it.
pub(super) const UNASSIGNED: u32 = u32::MAX;

/// A number that is given out when the variable is first set anywhere.
pub(super) struct Id {
    /// `UNASSIGNED` until then; after that unique in the process, and never changed again.
    pub(super) number: AtomicU32,
}

impl Id {
    /// The number, or one that no value is under.
    #[inline]
    pub(super) fn number(&self) -> u32 {
        // Relaxed: who reads a value has got the context from somewhere, and with it all that happened before the set.
        self.number.load(Ordering::Relaxed)
    }

    /// The number; if nobody has asked for it before, the next one, given out now.
    #[inline]
    pub(super) fn assigned(&self, next: &Mutex<u32>) -> u32 {
        match self.number() {
            UNASSIGNED => self.assign(next),
            number => number,
        }
    }

    #[cold]
    fn assign(&self, next: &Mutex<u32>) -> u32 {
        let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
        let number = self.number();
        if number != UNASSIGNED {
            return number;
        }
        let number = *next;
        assert!(number != UNASSIGNED, "more than four billion context variables in one process");
        *next += 1;
        self.number.store(number, Ordering::Relaxed);
        number
    }
}
