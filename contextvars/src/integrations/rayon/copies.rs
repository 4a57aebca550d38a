//! [`Copies`]: a context for a closure that rayon calls many times, from many threads, one item at a time.

use std::sync::Mutex;

use crate::context::Context;

/// A copy of a context for each thread of the pool, so that a call changes no shared reference count and waits for no
/// lock.
///
/// A reference count that all threads write to would cost more than a typical comparison of two items.
pub(super) struct Copies<'c> {
    original: &'c Context,
    /// One for each thread, and one for threads outside of the pool.
    of_threads: Box<[Copy]>,
}

/// Aligned so that two copies do not share a cache line.
#[repr(align(128))]
struct Copy(Mutex<Context>);

impl<'c> Copies<'c> {
    /// Returns the copies for the threads of the current pool.
    pub(super) fn of(original: &'c Context) -> Self {
        let threads = ::rayon::current_num_threads();
        Self { original, of_threads: (0..=threads).map(|_| Copy(Mutex::new(original.clone()))).collect() }
    }

    /// Calls `f` in this thread's copy, or in a new copy if that one is in use by a call further down on the stack, or
    /// if a call in it has panicked.
    #[inline]
    pub(super) fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        let last = self.of_threads.len() - 1;
        let at = ::rayon::current_thread_index().unwrap_or(last);
        match self.of_threads.get(at).map(|copy| copy.0.try_lock()) {
            Some(Ok(mut context)) => context.run(f),
            _ => self.original.run_copy(f),
        }
    }
}
