//! Tells where a value set in a thread's base context would be seen by work that has nothing to do with it.

/// Whether the code at hand is a spawned task without a context of its own.
///
/// Such a task shares its thread's base context with every later task on that thread.
#[inline]
pub(crate) fn would_bleed() -> bool {
    #[cfg(feature = "tokio")]
    {
        tokio::task::try_id().is_some()
    }
    #[cfg(not(feature = "tokio"))]
    {
        false
    }
}
