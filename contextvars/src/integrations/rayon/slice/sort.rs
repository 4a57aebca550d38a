//! Sorts that compare in the context.

use std::cmp::Ordering;

use ::rayon::slice::ParallelSliceMut;

use crate::context::inherit_context;
use crate::integrations::rayon::copies::Copies;
use crate::integrations::rayon::job::waiting;

pub(super) fn by<T: Send>(slice: &mut [T], compare: impl Fn(&T, &T) -> Ordering + Sync) {
    let context = inherit_context();
    let copies = Copies::of(&context);
    waiting(|| slice.par_sort_by(|a, b| copies.run(|| compare(a, b))));
}

pub(super) fn unstable_by<T: Send>(slice: &mut [T], compare: impl Fn(&T, &T) -> Ordering + Sync) {
    let context = inherit_context();
    let copies = Copies::of(&context);
    waiting(|| slice.par_sort_unstable_by(|a, b| copies.run(|| compare(a, b))));
}

pub(super) fn by_cached_key<T: Send, K: Ord + Send>(slice: &mut [T], f: impl Fn(&T) -> K + Sync) {
    let context = inherit_context();
    let copies = &Copies::of(&context);
    waiting(|| slice.par_sort_by_cached_key(|item| Key { key: copies.run(|| f(item)), copies }));
}

/// A key that is compared in the context.
struct Key<'c, K> {
    key: K,
    copies: &'c Copies<'c>,
}

impl<K: Ord> Ord for Key<'_, K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.copies.run(|| self.key.cmp(&other.key))
    }
}

impl<K: Ord> PartialOrd for Key<'_, K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: Ord> PartialEq for Key<'_, K> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<K: Ord> Eq for Key<'_, K> {}
