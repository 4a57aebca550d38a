//! [`rayon::iter`](::rayon::iter), with sources whose iterators inherit the context.

mod adaptors;
mod carry;
mod divided;
mod kept;
mod nested;
mod sources;

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

pub(super) use self::carry::Below;
use self::carry::{Around, Entering, with_producer_in};
pub use self::divided::{
    Split, WalkTree, WalkTreePostfix, WalkTreePrefix, split, walk_tree, walk_tree_postfix, walk_tree_prefix,
};
pub use self::nested::{FlatMap, Flatten};
#[expect(deprecated, reason = "`repeatn` is in rayon, too")]
pub use self::sources::repeatn;
pub use self::sources::{
    IntoParallelIterator, IntoParallelRefIterator, IntoParallelRefMutIterator, IterBridge, ParallelBridge,
    ParallelDrainFull, ParallelDrainRange, Repeat, empty, once, repeat, repeat_n,
};
use crate::context::{Context, inherit_context};

use ::rayon::iter::plumbing::{Consumer, ProducerCallback, UnindexedConsumer};
#[doc(no_inline)]
pub use ::rayon::iter::*;

/// The iterator of a source of rayon, with a context for every closure after it.
///
/// # Examples
///
/// ```
/// use contextvars::context_var;
/// use contextvars::rayon::iter::Inheriting;
/// use contextvars::rayon::prelude::*;
///
/// #[context_var]
/// static FACTOR: u32;
///
/// fn numbers() -> Inheriting<::rayon::vec::IntoIter<u32>> {
///     vec![1, 2].into_par_iter()
/// }
///
/// # fn main() {
/// FACTOR.set(3);
/// assert_eq!(numbers().map(|n| n * FACTOR.get()).sum::<u32>(), 9);
/// # }
/// ```
pub type Inheriting<I> = WithContext<Below<I>>;

/// Attaches a context to a parallel iterator.
///
/// # Examples
///
/// ```
/// use contextvars::rayon::prelude::*;
/// use contextvars::{Context, context_var};
///
/// #[context_var(default = 1)]
/// static FACTOR: u64;
///
/// # fn main() {
/// let ctx = Context::new().with(&FACTOR, 3);
/// let sum: u64 = (0..1000_u64).into_par_iter().with_context(ctx).map(|n| n * FACTOR.get()).sum();
/// assert_eq!(sum, 3 * 499_500);
/// # }
/// ```
pub trait ParallelIteratorExt: ParallelIterator {
    /// Runs every later closure in a copy of `context`, on every thread.
    ///
    /// Each job, a piece of the work that one thread does, has a copy of its own: a value that a closure sets is
    /// visible to no other job and no other iterator. An earlier closure runs in the context that its iterator already
    /// has. If that has none, as rayon's own iterators, the closure runs in this context or in an empty one, depending
    /// on how rayon drives the iterator.
    ///
    /// The context is entered once for each job, not for each item. Exceptions are items that pass a `filter` (or
    /// another selecting adaptor) and then a `chain`, and items that a `zip` takes from an argument that calls
    /// closures: for each of those it is entered.
    fn with_context(self, context: Context) -> Inheriting<Self> {
        let inner = Below { base: self, context: context.clone() };
        WithContext { inner, context, calls_before: false }
    }

    /// Runs every later closure in a copy of the current context, taken now, without the variables declared with
    /// `inherit = false`; see [`with_context`](Self::with_context).
    ///
    /// The sources of this crate's prelude do this by themselves. Call it on iterators of other crates, and in code
    /// that is generic over rayon's traits.
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::context_var;
    /// use contextvars::rayon::prelude::*;
    ///
    /// #[context_var]
    /// static FACTOR: u32;
    ///
    /// fn scaled(pairs: impl ParallelIterator<Item = [u32; 2]>) -> u32 {
    ///     pairs.inherit_context().flat_map(|pair| pair).map(|n| n * FACTOR.get()).sum()
    /// }
    ///
    /// # fn main() {
    /// FACTOR.set(3);
    /// assert_eq!(scaled(::rayon::iter::repeat([1, 2]).take(10)), 90);
    /// # }
    /// ```
    fn inherit_context(self) -> Inheriting<Self> {
        self.with_context(inherit_context())
    }
}

impl<I: ParallelIterator> ParallelIteratorExt for I {}

/// A parallel iterator whose closures run in a context; the sources and [`ParallelIteratorExt`] create it.
///
/// It has rayon's adaptors as methods of its own, so that closures after a `flat_map` or `chain`, and closures before a
/// `zip`, run in the context too, and threads that wait for them do so in an empty one.
///
/// Code that is generic over rayon's traits, such as `impl ParallelIterator` or `impl IndexedParallelIterator`, calls
/// rayon's own adaptors. Those that need indices, such as `zip` and `enumerate`, pull items out of it one by one; from
/// the first item of a piece to the last, the context is current on that thread, also for later closures. Limits:
///
/// - after a `flat_map` or `flatten` of plain lists, and after a `chain` with an iterator that has no context, some of
///   the items are consumed without the context;
/// - a thread that waits for the lists that such a `flat_map` makes does so in the context, and one that waits for such
///   a `chain` in that of its caller: plain jobs can see it;
/// - `chunks`, `fold_chunks` and `fold_chunks_with` take the items of one chunk at a time, and later closures run
///   without the context.
///
/// Call [`inherit_context`](ParallelIteratorExt::inherit_context) before the first two of these and after the last. The
/// same applies after `try_fold` and `try_fold_with`, which are always rayon's own: their bounds cannot be written
/// outside of rayon.
///
/// # Examples
///
/// A function that returns one passes on the context to the closures of its caller.
///
/// ```
/// use contextvars::context_var;
/// use contextvars::rayon::iter::WithContext;
/// use contextvars::rayon::prelude::*;
///
/// #[context_var]
/// static PRICE: u32;
///
/// fn seats(rows: &[u32]) -> WithContext<impl ParallelIterator<Item = u32>> {
///     PRICE.set(10);
///     rows.par_iter().flat_map(|&row| 0..row)
/// }
///
/// # fn main() {
/// let rows = seats(&[2, 3]);
/// PRICE.set(20);
/// let prices: Vec<_> = rows.map(|seat| seat + PRICE.get()).collect();
/// assert_eq!(prices, [10, 11, 10, 11, 12]);
/// # }
/// ```
#[derive(Clone)]
#[must_use = "iterator adaptors are lazy and do nothing unless consumed"]
pub struct WithContext<I> {
    /// Already runs in the context: it ends in a `Below` or `Around`, or in adaptors of one of those.
    pub(super) inner: I,
    /// The context for later adaptors.
    context: Context,
    /// Whether `inner` calls closures of its parts, so that it needs the context while items are pulled.
    calls_before: bool,
}

impl<I> WithContext<I> {
    /// Returns the iterator itself, which already has a context.
    ///
    /// The trait's method of this name, which a function calls that takes any [`IntoParallelIterator`], attaches the
    /// context of that function for later closures.
    pub fn into_par_iter(self) -> Self {
        self
    }

    /// The iterator that `adapt` returns, which the context reaches already.
    fn reached<J>(self, adapt: impl FnOnce(I) -> J) -> WithContext<J> {
        WithContext { inner: adapt(self.inner), context: self.context, calls_before: true }
    }

    /// The iterator that `adapt` returns, with later closures in the context.
    fn below<J>(self, adapt: impl FnOnce(I) -> J) -> WithContext<Below<J>> {
        let context = self.context.clone();
        self.reached(|inner| Below { base: adapt(inner), context })
    }

    /// The iterator that `adapt` returns, with earlier and later closures in the context.
    fn around<J>(self, adapt: impl FnOnce(I) -> J) -> WithContext<Around<J>> {
        let context = self.context.clone();
        self.reached(|inner| Around { base: adapt(inner), context })
    }
}

impl<I: ParallelIterator> ParallelIterator for WithContext<I> {
    type Item = I::Item;

    fn drive_unindexed<C: UnindexedConsumer<I::Item>>(self, consumer: C) -> C::Result {
        self.inner.drive_unindexed(consumer)
    }

    fn opt_len(&self) -> Option<usize> {
        self.inner.opt_len()
    }
}

impl<I: IndexedParallelIterator> IndexedParallelIterator for WithContext<I> {
    fn len(&self) -> usize {
        self.inner.len()
    }

    fn drive<C: Consumer<I::Item>>(self, consumer: C) -> C::Result {
        self.inner.drive(consumer)
    }

    fn with_producer<CB: ProducerCallback<I::Item>>(self, callback: CB) -> CB::Output {
        let Self { inner, context, calls_before } = self;
        match (kept::is_asked_by_ours(), calls_before) {
            (true, false) => inner.with_producer(callback),
            (true, true) => with_producer_in(&context, Entering::ForEachItem, inner, callback),
            (false, _) => with_producer_in(&context, Entering::Once, inner, callback),
        }
    }
}

/// Like the inner iterator.
impl<I: fmt::Debug> fmt::Debug for WithContext<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

// A panic leaves every copy of the context that other code can see unchanged.
impl<I: UnwindSafe> UnwindSafe for WithContext<I> {}
impl<I: RefUnwindSafe> RefUnwindSafe for WithContext<I> {}
