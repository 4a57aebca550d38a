//! The library's own map, which is private: its files, compiled here once more.

// For `count`, which finds another library's in its place where it is held against the memory model.
use std::sync;

// Formatted, and tested, where they are at home.
#[rustfmt::skip]
#[path = "../../contextvars/src/state/count.rs"]
mod count;
#[rustfmt::skip]
#[expect(unsafe_code, reason = "the library's own code")]
#[path = "../../contextvars/src/state/pool.rs"]
mod pool;
#[rustfmt::skip]
#[expect(unsafe_code, reason = "the library's own code")]
#[path = "../../contextvars/src/state/shared.rs"]
mod shared;
#[rustfmt::skip]
#[allow(dead_code, reason = "a part of it is measured")]
#[allow(clippy::collapsible_if, reason = "it is written for older compilers than this package")]
#[path = "../../contextvars/src/state/trie/mod.rs"]
mod trie;

/// A persistent map from small, dense ids to values.
pub struct Trie<V>(trie::Trie<V>);

impl<V> Trie<V> {
    /// An empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self(trie::Trie::new())
    }

    /// The value under `id`.
    #[inline]
    #[must_use]
    pub fn get(&self, id: u32) -> Option<&V> {
        self.0.get(id)
    }
}

impl<V: Clone> Trie<V> {
    /// Puts `value` under `id` and returns what was there.
    #[inline]
    pub fn insert(&mut self, id: u32, value: V) -> Option<V> {
        self.0.insert(id, value)
    }
}

impl<V> Default for Trie<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V: Clone> Clone for Trie<V> {
    #[inline]
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
