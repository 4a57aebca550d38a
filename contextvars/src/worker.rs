//! Finds out whether the thread is a worker: one that runs unrelated pieces of work, one after the other.
//!
//! Work without a context of its own runs in its thread's base context. On a worker, a value that one piece of work
//! sets there would be visible to the next. So on a worker it stays empty: a `set` is refused, and a read finds no
//! value.

use std::cell::Cell;

thread_local! {
    static IS_MARKED: Cell<bool> = const { Cell::new(false) };
}

/// Whether the running code is a task, a job or a function that shares its thread with unrelated work.
#[inline]
pub(crate) fn is_worker() -> bool {
    IS_MARKED.get() || is_worker_of_tokio() || is_worker_of_rayon()
}

/// Marks this thread as a worker, permanently.
pub(crate) fn mark() {
    IS_MARKED.set(true);
}

/// Whether a task or a blocking function of tokio is running. The future of a `block_on` counts as neither.
#[inline]
fn is_worker_of_tokio() -> bool {
    #[cfg(feature = "tokio")]
    {
        tokio::task::try_id().is_some()
    }
    #[cfg(not(feature = "tokio"))]
    {
        false
    }
}

/// Whether the thread belongs to a pool of rayon's.
#[inline]
fn is_worker_of_rayon() -> bool {
    #[cfg(feature = "rayon")]
    {
        rayon::current_thread_index().is_some()
    }
    #[cfg(not(feature = "rayon"))]
    {
        false
    }
}
