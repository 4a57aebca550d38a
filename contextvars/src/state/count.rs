//! The reference count of a shared block, without weak references.

use std::process;

// The standard library's, or loom's in `tests/loom`.
use super::sync::atomic::{AtomicUsize, Ordering};

/// How many owners a block has. Starts at one; whoever takes it to zero destroys the block.
pub(super) struct Count(AtomicUsize);

impl Count {
    pub(super) fn one() -> Self {
        Self(AtomicUsize::new(1))
    }

    /// Counts one owner more. The caller is, or borrows from, an owner.
    #[inline]
    pub(super) fn increment(&self) {
        // Relaxed: whoever got the block at hand was already synchronised with its making.
        if self.0.fetch_add(1, Ordering::Relaxed) > isize::MAX as usize {
            // Only leaked handles get here; going on would free a block that is still owned.
            process::abort();
        }
    }

    /// Counts one owner less; `true` tells the caller that it was the last and must destroy the block.
    #[inline]
    #[must_use]
    pub(super) fn decrement(&self) -> bool {
        // A sole owner needs no read-modify-write: nobody else is there who could clone or drop.
        if self.is_one() {
            return true;
        }
        if self.0.fetch_sub(1, Ordering::Release) != 1 {
            return false;
        }
        // Acquire, as a load and not a fence: what other owners did with the block happened before this.
        self.0.load(Ordering::Acquire);
        true
    }

    /// Counts one owner less, unless the caller is the last: then `false`, and the caller is still one.
    ///
    /// Apart from `decrement`, which every copy goes through, and which the way back would make ten instructions longer.
    #[inline]
    #[must_use]
    pub(super) fn decrement_unless_last(&self) -> bool {
        if self.is_one() {
            return false;
        }
        if self.0.fetch_sub(1, Ordering::Release) != 1 {
            return true;
        }
        // The others have gone since. Nobody is left who could look at the count.
        // Acquire, and as a load, as in `decrement`.
        self.0.load(Ordering::Acquire);
        self.0.store(1, Ordering::Relaxed);
        false
    }

    /// Whether the caller, itself an owner, is the only one.
    #[inline]
    pub(super) fn is_one(&self) -> bool {
        // Acquire: what former owners did with the block happened before the caller's next access.
        self.0.load(Ordering::Acquire) == 1
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn the_last_owner_is_told() {
        let count = Count::one();
        assert!(count.is_one());
        count.increment();
        count.increment();
        assert!(!count.is_one());
        assert!(!count.decrement());
        assert!(!count.decrement());
        assert!(count.is_one());
        assert!(count.decrement());
    }

    #[test]
    fn the_last_owner_can_stay_one() {
        let count = Count::one();
        count.increment();
        assert!(count.decrement_unless_last());
        assert!(!count.decrement_unless_last());
        assert!(count.is_one());
        assert!(count.decrement());
    }

    #[test]
    fn of_owners_on_many_threads_one_is_the_last() {
        for _ in 0..50 {
            let count = Arc::new(Count::one());
            let owners: Vec<_> = (0..4)
                .map(|_| {
                    count.increment();
                    let count = Arc::clone(&count);
                    thread::spawn(move || {
                        let mut last = 0;
                        for _ in 0..100 {
                            count.increment();
                            last += usize::from(count.decrement());
                        }
                        last + usize::from(!count.decrement_unless_last())
                    })
                })
                .collect();
            let this = usize::from(!count.decrement_unless_last());
            let others: usize = owners.into_iter().map(|owner| owner.join().unwrap()).sum();
            assert_eq!(this + others, 1);
        }
    }
}
