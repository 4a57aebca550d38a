//! [`Id`]: a variable's number, under which contexts keep its values.

use std::sync::PoisonError;

// The atomics of the standard library, or of loom in `tests/loom`.
use super::sync::Mutex;
use super::sync::atomic::{AtomicU32, Ordering};

/// The id of every variable that has never been set: no context has a value under it.
pub(super) const UNASSIGNED: u32 = u32::MAX;

/// A number that is assigned when the variable is first set in the process.
pub(super) struct Id {
    /// `UNASSIGNED` until then; after that unique in the process, and never changed again.
    pub(super) number: AtomicU32,
}

impl Id {
    /// The number, or `UNASSIGNED`, under which there is no value.
    #[inline]
    pub(super) fn number(&self) -> u32 {
        // Relaxed: a thread that holds the context has already synchronised with the set that stored the value.
        self.number.load(Ordering::Relaxed)
    }

    /// The number; if the variable has none yet, the next one, assigned now.
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
