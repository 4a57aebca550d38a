//! Iterators of iterators, each of which is consumed in the context.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use ::rayon::iter::ParallelIterator;
use ::rayon::iter::plumbing::UnindexedConsumer;

use super::carry::Below;
use super::sources::{IntoParallelIterator, original};
use crate::context::Context;

/// A [`rayon::iter::FlatMap`](::rayon::iter::FlatMap) in a context;
/// [`flat_map`](super::WithContext::flat_map) makes it.
#[derive(Clone)]
pub struct FlatMap<I, F> {
    pub(super) inner: I,
    pub(super) f: F,
    pub(super) context: Context,
}

impl<I, F, P> ParallelIterator for FlatMap<I, F>
where
    I: ParallelIterator,
    F: Fn(I::Item) -> P + Sync + Send,
    P: IntoParallelIterator,
{
    type Item = P::Item;

    fn drive_unindexed<C: UnindexedConsumer<P::Item>>(self, consumer: C) -> C::Result {
        let Self { inner, f, context } = self;
        let nested = |item| Below { base: original(f(item)), context: context.clone() };
        inner.flat_map(nested).drive_unindexed(consumer)
    }
}

/// A [`rayon::iter::Flatten`](::rayon::iter::Flatten) in a context; [`flatten`](super::WithContext::flatten) makes it.
#[derive(Clone)]
pub struct Flatten<I> {
    pub(super) inner: I,
    pub(super) context: Context,
}

impl<I: ParallelIterator<Item: IntoParallelIterator>> ParallelIterator for Flatten<I> {
    type Item = <I::Item as IntoParallelIterator>::Item;

    fn drive_unindexed<C: UnindexedConsumer<Self::Item>>(self, consumer: C) -> C::Result {
        let Self { inner, context } = self;
        FlatMap { inner, f: |item| item, context }.drive_unindexed(consumer)
    }
}

impl<I: fmt::Debug, F> fmt::Debug for FlatMap<I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlatMap").field("base", &self.inner).finish_non_exhaustive()
    }
}

impl<I: fmt::Debug> fmt::Debug for Flatten<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flatten").field("base", &self.inner).finish_non_exhaustive()
    }
}

// For the parts of a `WithContext`; see there.
impl<I: UnwindSafe, F: UnwindSafe> UnwindSafe for FlatMap<I, F> {}
impl<I: RefUnwindSafe, F: RefUnwindSafe> RefUnwindSafe for FlatMap<I, F> {}
impl<I: UnwindSafe> UnwindSafe for Flatten<I> {}
impl<I: RefUnwindSafe> RefUnwindSafe for Flatten<I> {}
