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
    /// The number, too, if the variable's type is `Copy`; else always `UNASSIGNED`. So what is found under it may be
    /// copied bit by bit.
    pub(super) if_copy: AtomicU32,
}

impl Id {
    /// The number, or one that no value is under.
    #[inline]
    pub(super) fn number(&self) -> u32 {
        // Relaxed: who reads a value has got the context from somewhere, and with it all that happened before the set.
        self.number.load(Ordering::Relaxed)
    }

    /// The number of a variable whose type is `Copy`; of any other, one that no value is under.
    #[inline]
    pub(super) fn if_copy(&self) -> u32 {
        // Relaxed: as for `number`.
        self.if_copy.load(Ordering::Relaxed)
    }

    /// The number; if nobody has asked for it before, the next one, given out now.
    #[inline]
    pub(super) fn assigned(&self, is_copy: bool, next: &Mutex<u32>) -> u32 {
        // Acquire: who sets a value under a number that another thread has just given out finds it under `if_copy`,
        // too.
        match self.number.load(Ordering::Acquire) {
            UNASSIGNED => self.assign(is_copy, next),
            number => number,
        }
    }

    #[cold]
    fn assign(&self, is_copy: bool, next: &Mutex<u32>) -> u32 {
        let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
        let number = self.number();
        if number != UNASSIGNED {
            return number;
        }
        let number = *next;
        assert!(number != UNASSIGNED, "more than four billion context variables in one process");
        *next += 1;
        if is_copy {
            self.if_copy.store(number, Ordering::Relaxed);
        }
        // Release, and last: with this the other is there as well.
        self.number.store(number, Ordering::Release);
        number
    }
}
