//! What stands between rayon's iterators and enters the context, once for each job where it can.
//!
//! rayon drives an iterator in one of two ways. Either the source is split, and each piece is fed into the *consumer*
//! that all later adaptors together make up: then a consumer of ours, around that one, enters the context. Or an
//! adaptor that needs indices (`zip`, `enumerate`) asks the iterators before it for a *producer*, and what those call
//! is called while items are pulled out of it: then a producer of ours, around the adaptor's, enters the context.

use ::rayon::iter::plumbing::{Consumer, Folder, Producer, ProducerCallback, Reducer, UnindexedConsumer, bridge};
use ::rayon::iter::{IndexedParallelIterator, ParallelIterator};

use crate::context::Context;
use crate::integrations::rayon::job::waiting;

/// An iterator whose items are consumed in a context: everything after it runs there.
#[derive(Clone)]
pub struct Below<I> {
    pub(super) base: I,
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

    fn with_producer<CB: ProducerCallback<I::Item>>(self, callback: CB) -> CB::Output {
        let context = &self.context;
        self.base.with_producer(Carry { inner: callback, context })
    }
}

/// An indexed iterator that runs in a context as a whole: everything before it, too.
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
        let context = &self.context;
        self.base.with_producer(Carry { inner: callback, context })
    }
}

/// A part of rayon's plumbing whose every call of somebody else's code happens in a copy of a context.
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

impl<T, P: Producer<Item = T>> Producer for Carry<'_, P> {
    type Item = T;
    type IntoIter = P::IntoIter;

    /// Nothing is entered here: whoever pulls the items is within the `fold_with` of a later [`Around`].
    fn into_iter(self) -> P::IntoIter {
        self.inner.into_iter()
    }

    fn min_len(&self) -> usize {
        self.inner.min_len()
    }

    fn max_len(&self) -> usize {
        self.inner.max_len()
    }

    fn split_at(self, index: usize) -> (Self, Self) {
        let Self { inner, context } = self;
        let (left, right) = context.run_copy(|| inner.split_at(index));
        (Self { inner: left, context }, Self { inner: right, context })
    }

    fn fold_with<F: Folder<T>>(self, folder: F) -> F {
        self.context.run_copy(|| self.inner.fold_with(folder))
    }
}

impl<T, CB: ProducerCallback<T>> ProducerCallback<T> for Carry<'_, CB> {
    type Output = CB::Output;

    fn callback<P: Producer<Item = T>>(self, producer: P) -> CB::Output {
        self.inner.callback(Carry { inner: producer, context: self.context })
    }
}

/// What consumes the items of one job, in the job's own copy of the context.
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
    fn consume_iter<I: IntoIterator<Item = T>>(mut self, items: I) -> Self {
        let inner = self.inner;
        self.inner = self.context.run(|| inner.consume_iter(items));
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
