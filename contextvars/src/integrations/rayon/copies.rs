//! [`Copies`]: a context for a closure that rayon calls many times, from many threads, one item at a time.

use std::sync::Mutex;

use crate::context::Context;

/// A copy of a context for each thread of the pool, so that a call neither counts nor waits.
///
/// A count that all threads write to would cost more than many a comparison of two items does.
pub(super) struct Copies<'c> {
    original: &'c Context,
    /// One for each thread, and one for who is not of the pool.
    of_threads: Box<[Copy]>,
}

/// Far enough from its neighbours for the processor to keep them apart.
#[repr(align(128))]
struct Copy(Mutex<Context>);

impl<'c> Copies<'c> {
    /// Copies for the threads of the current pool.
    pub(super) fn of(original: &'c Context) -> Self {
        let threads = ::rayon::current_num_threads();
        Self { original, of_threads: (0..=threads).map(|_| Copy(Mutex::new(original.clone()))).collect() }
    }

    /// Calls `f` in this thread's copy. If that is in use, by a call that waits further down on the stack, or if a call
    /// in it has panicked, in another copy.
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
