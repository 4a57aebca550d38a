//! The reference count of a shared block, without weak references.

use std::process;

// The atomics of the standard library, or of loom in `tests/loom`.
use super::sync::atomic::{AtomicUsize, Ordering};

/// The number of owners of a block. Starts at one; the owner that takes it to zero destroys the block.
pub(super) struct Count(AtomicUsize);

impl Count {
    pub(super) fn one() -> Self {
        Self(AtomicUsize::new(1))
    }

    /// Adds an owner. The caller is, or borrows from, an owner.
    #[inline]
    pub(super) fn increment(&self) {
        // Relaxed: the caller has access to the block, so it has already synchronised with its creation.
        if self.0.fetch_add(1, Ordering::Relaxed) > isize::MAX as usize {
            // Only leaked handles get here; continuing would let the count overflow and free a block that is still
            // owned.
            process::abort();
        }
    }

    /// Removes an owner. Returns `true` if it was the last: then the caller must destroy the block.
    #[inline]
    #[must_use]
    pub(super) fn decrement(&self) -> bool {
        // A sole owner needs no read-modify-write: there is no other handle that a thread could clone or drop.
        if self.is_one() {
            return true;
        }
        if self.0.fetch_sub(1, Ordering::Release) != 1 {
            return false;
        }
        // Acquire, as a load and not a fence: the accesses of former owners to the block happened before this.
        self.0.load(Ordering::Acquire);
        true
    }

    /// Removes an owner, unless the caller is the last. Returns `false` then, and the caller still owns the block.
    ///
    /// Separate from `decrement`, because restoring the count would add ten instructions to every drop of a copy.
    #[inline]
    #[must_use]
    pub(super) fn decrement_unless_last(&self) -> bool {
        if self.is_one() {
            return false;
        }
        if self.0.fetch_sub(1, Ordering::Release) != 1 {
            return true;
        }
        // The other owners have dropped their handles since, so the count can be restored: no other thread reads it.
        // Acquire, and as a load, as in `decrement`.
        self.0.load(Ordering::Acquire);
        self.0.store(1, Ordering::Relaxed);
        false
    }

    /// Whether the caller, itself an owner, is the only owner.
    #[inline]
    pub(super) fn is_one(&self) -> bool {
        // Acquire: the accesses of former owners happened before the caller's next access.
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
