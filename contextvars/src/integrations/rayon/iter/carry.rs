//! The adaptors between rayon's iterators that enter the context, if possible once for each job.
//!
//! rayon drives an iterator in one of two ways. Either the source is split, and each piece is fed into the *consumer*
//! that consists of all later adaptors: then a consumer of this module, around that one, enters the context. Or an
//! adaptor that needs indices (`zip`, `enumerate`) requests a *producer* from the iterators before it, whose closures
//! are called while items are pulled out of it: then a producer of this module enters the context. It is around the
//! producer of the adaptor if that adaptor was created by [`WithContext`](super::WithContext), otherwise around the one
//! that the adaptor pulls from.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use ::rayon::iter::plumbing::{Consumer, Folder, Producer, ProducerCallback, Reducer, UnindexedConsumer, bridge};
use ::rayon::iter::{IndexedParallelIterator, ParallelIterator};

use super::kept::{self, Asking, Kept};
use crate::context::{Context, copy_context};
use crate::integrations::rayon::job::waiting;
use crate::state::Entered;

/// An iterator whose items are consumed in a context: all closures after it run there.
#[derive(Clone)]
pub struct Below<I> {
    pub(in crate::integrations::rayon) base: I,
    pub(super) context: Context,
}

impl<I: ParallelIterator> ParallelIterator for Below<I> {
    type Item = I::Item;

    fn drive_unindexed<C: UnindexedConsumer<I::Item>>(self, consumer: C) -> C::Result {
        let consumer = Carry { inner: consumer, context: &self.context };
        waiting(|| self.base.drive_unindexed(consumer))
    }

    fn opt_len(&self) -> Option<usize> {
        self.base.opt_len()
    }
}

impl<I: IndexedParallelIterator> IndexedParallelIterator for Below<I> {
    fn len(&self) -> usize {
        self.base.len()
    }

    fn drive<C: Consumer<I::Item>>(self, consumer: C) -> C::Result {
        let consumer = Carry { inner: consumer, context: &self.context };
        waiting(|| self.base.drive(consumer))
    }

    /// Does not enter the context: the caller is a later adaptor of this crate, or was called by one.
    fn with_producer<CB: ProducerCallback<I::Item>>(self, callback: CB) -> CB::Output {
        self.base.with_producer(callback)
    }
}

// For the parts of a `WithContext`; see there.
impl<I: UnwindSafe> UnwindSafe for Below<I> {}
impl<I: RefUnwindSafe> RefUnwindSafe for Below<I> {}

impl<I: fmt::Debug> fmt::Debug for Below<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base.fmt(f)
    }
}

/// An indexed iterator that runs in a context as a whole, including all closures before it.
#[derive(Clone)]
pub struct Around<I> {
    pub(super) base: I,
    pub(super) context: Context,
}

impl<I: IndexedParallelIterator> ParallelIterator for Around<I> {
    type Item = I::Item;

    fn drive_unindexed<C: UnindexedConsumer<I::Item>>(self, consumer: C) -> C::Result {
        self.drive(consumer)
    }

    fn opt_len(&self) -> Option<usize> {
        Some(self.len())
    }
}

impl<I: IndexedParallelIterator> IndexedParallelIterator for Around<I> {
    fn len(&self) -> usize {
        self.base.len()
    }

    fn drive<C: Consumer<I::Item>>(self, consumer: C) -> C::Result {
        let context = self.context.clone();
        let consumer = Carry { inner: consumer, context: &context };
        waiting(|| bridge(self, consumer))
    }

    fn with_producer<CB: ProducerCallback<I::Item>>(self, callback: CB) -> CB::Output {
        with_producer_in(&self.context, Entering::Never, self.base, callback)
    }
}

// For the parts of a `WithContext`; see there.
impl<I: UnwindSafe> UnwindSafe for Around<I> {}
impl<I: RefUnwindSafe> RefUnwindSafe for Around<I> {}

impl<I: fmt::Debug> fmt::Debug for Around<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base.fmt(f)
    }
}

/// When the context is entered for the items that are pulled out of a producer.
#[derive(Clone, Copy)]
pub(super) enum Entering {
    /// It is current already: the items are pulled within `fold_with` of a producer around this one.
    Never,
    /// For each item: the closures after it have a context of their own.
    ForEachItem,
    /// From the first item to the last: no other adaptor enters it for the closures after it.
    Once,
}

/// Requests the producer of `base`, as an adaptor of this crate, and passes it on with the context around it.
pub(super) fn with_producer_in<I, CB>(context: &Context, entering: Entering, base: I, callback: CB) -> CB::Output
where
    I: IndexedParallelIterator,
    CB: ProducerCallback<I::Item>,
{
    let asking = Asking::by_ours();
    base.with_producer(Asked { callback, context, entering, before: asking.before() })
}

/// The callback for the producer that this crate has requested.
struct Asked<'c, CB> {
    callback: CB,
    context: &'c Context,
    entering: Entering,
    before: bool,
}

impl<T, CB: ProducerCallback<T>> ProducerCallback<T> for Asked<'_, CB> {
    type Output = CB::Output;

    fn callback<P: Producer<Item = T>>(self, producer: P) -> CB::Output {
        Asking::over(self.before);
        let Self { callback, context, entering, .. } = self;
        let pieces = Pieces { inner: producer, context, entering };
        match entering {
            // rayon drives the whole iterator from here, and this thread may wait.
            Entering::Once => waiting(|| callback.callback(pieces)),
            Entering::Never | Entering::ForEachItem => callback.callback(pieces),
        }
    }
}

/// A producer in a context.
struct Pieces<'c, P> {
    inner: P,
    context: &'c Context,
    entering: Entering,
}

impl<T, P: Producer<Item = T>> Producer for Pieces<'_, P> {
    type Item = T;
    type IntoIter = Items<P::IntoIter>;

    fn into_iter(self) -> Items<P::IntoIter> {
        match self.entering {
            Entering::Never => Items { inner: self.inner.into_iter(), context: None, kept: None },
            Entering::ForEachItem => {
                let mut context = self.context.clone();
                let inner = context.run(|| self.inner.into_iter());
                Items { inner, context: Some(context), kept: None }
            }
            Entering::Once => {
                let kept = Kept::new(self.context.clone());
                Items { inner: self.inner.into_iter(), context: Some(self.context.clone()), kept }
            }
        }
    }

    fn min_len(&self) -> usize {
        self.inner.min_len()
    }

    fn max_len(&self) -> usize {
        self.inner.max_len()
    }

    fn split_at(self, index: usize) -> (Self, Self) {
        let Self { inner, context, entering } = self;
        let (left, right) = context.run_copy(|| inner.split_at(index));
        (Self { inner: left, context, entering }, Self { inner: right, context, entering })
    }

    fn fold_with<F: Folder<T>>(self, folder: F) -> F {
        self.context.run_copy(|| self.inner.fold_with(folder))
    }
}

/// The items of one piece, which are pulled one by one.
struct Items<I> {
    // Declared before `kept`, so that it is dropped in the context.
    inner: I,
    /// The context to enter for each item, if it is not current.
    context: Option<Context>,
    kept: Option<Kept>,
}

impl<I> Items<I> {
    #[inline]
    fn pull<R>(&mut self, f: impl FnOnce(&mut I) -> R) -> R {
        match &mut self.context {
            Some(context) if !self.kept.as_ref().is_some_and(Kept::is_innermost) => context.run(|| f(&mut self.inner)),
            _ => f(&mut self.inner),
        }
    }
}

impl<I: Iterator> Iterator for Items<I> {
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        self.pull(I::next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<I::Item> {
        self.pull(|inner| inner.nth(n))
    }
}

impl<I: DoubleEndedIterator> DoubleEndedIterator for Items<I> {
    #[inline]
    fn next_back(&mut self) -> Option<I::Item> {
        self.pull(I::next_back)
    }

    fn nth_back(&mut self, n: usize) -> Option<I::Item> {
        self.pull(|inner| inner.nth_back(n))
    }
}

impl<I: ExactSizeIterator> ExactSizeIterator for Items<I> {
    fn len(&self) -> usize {
        self.inner.len()
    }
}

/// An internal part of rayon, all of whose calls of other code happen in a copy of a context.
struct Carry<'c, T> {
    inner: T,
    context: &'c Context,
}

impl<'c, T, C: Consumer<T>> Consumer<T> for Carry<'c, C> {
    type Folder = Job<C::Folder>;
    type Reducer = Carry<'c, C::Reducer>;
    type Result = C::Result;

    fn split_at(self, index: usize) -> (Self, Self, Self::Reducer) {
        let Self { inner, context } = self;
        let (left, right, reducer) = context.run_copy(|| inner.split_at(index));
        (Self { inner: left, context }, Self { inner: right, context }, Carry { inner: reducer, context })
    }

    fn into_folder(self) -> Self::Folder {
        let mut context = self.context.clone();
        let inner = context.run(|| self.inner.into_folder());
        Job { inner, context }
    }

    fn full(&self) -> bool {
        self.inner.full()
    }
}

impl<T, C: UnindexedConsumer<T>> UnindexedConsumer<T> for Carry<'_, C> {
    fn split_off_left(&self) -> Self {
        Self { inner: self.context.run_copy(|| self.inner.split_off_left()), context: self.context }
    }

    fn to_reducer(&self) -> Self::Reducer {
        Carry { inner: self.context.run_copy(|| self.inner.to_reducer()), context: self.context }
    }
}

impl<T, R: Reducer<T>> Reducer<T> for Carry<'_, R> {
    fn reduce(self, left: T, right: T) -> T {
        self.context.run_copy(|| self.inner.reduce(left, right))
    }
}

/// The consumer of the items of one job, in the job's own copy of the context.
struct Job<F> {
    inner: F,
    context: Context,
}

impl<T, F: Folder<T>> Folder<T> for Job<F> {
    type Result = F::Result;

    fn consume(mut self, item: T) -> Self {
        let inner = self.inner;
        self.inner = self.context.run(|| inner.consume(item));
        self
    }

    /// The common case: the context is entered once for all items of the job.
    ///
    /// Pulling an item may call earlier closures, with a context of their own: that of an iterator in a `chain`, or one
    /// attached earlier. If another context is current here, it is the one that they need.
    fn consume_iter<I: IntoIterator<Item = T>>(mut self, items: I) -> Self {
        let inner = self.inner;
        let here = copy_context();
        self.inner = if here.is_empty() || here.updates_to(&self.context).is_empty() {
            kept::run(&mut self.context, || inner.consume_iter(items))
        } else {
            let items = items.into_iter();
            kept::enter(&mut self.context, |entered| inner.consume_iter(Outside { items, entered }))
        };
        self
    }

    fn complete(mut self) -> F::Result {
        let inner = self.inner;
        self.context.run(|| inner.complete())
    }

    fn full(&self) -> bool {
        self.inner.full()
    }
}

/// Items that are pulled in the context outside of the one in which they are consumed.
struct Outside<'e, 'c, I> {
    items: I,
    entered: &'e mut Entered<'c>,
}

impl<I: Iterator> Iterator for Outside<'_, '_, I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let Self { items, entered } = self;
        entered.outside(|| items.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}
