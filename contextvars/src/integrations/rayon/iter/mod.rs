//! [`rayon::iter`](::rayon::iter), and parallel iterators whose closures run in a context.

mod adaptors;
mod carry;

use self::carry::{Around, Below};
use crate::context::{Context, inherit_context};

use ::rayon::iter::plumbing::UnindexedConsumer;
#[doc(no_inline)]
pub use ::rayon::iter::*;

/// Gives a parallel iterator a context.
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
///
/// # Python
/// Has no counterpart: `concurrent.futures.Executor.map` hands no context on.
pub trait ParallelIteratorExt: ParallelIterator {
    /// Runs every closure that comes after this in a copy of `context`, on whatever thread.
    ///
    /// Each job, a piece of the work that one thread does, has a copy of its own: what a closure sets is seen by no
    /// other job, and by no other iterator. A closure that comes before this runs in the context or not, as rayon's
    /// plumbing has it. So do those of another iterator, which a `flat_map` makes or a `chain` takes: give that one a
    /// context, too, by [`inherit_context`](Self::inherit_context) where it is made.
    ///
    /// The context is entered once for each job, not for each item; but for each item that gets past a `filter`, or
    /// another adaptor that picks, and then through a `chain`.
    fn with_context(self, context: Context) -> WithContext<Below<Self>> {
        WithContext::new(Below { base: self, context: context.clone() }, context)
    }

    /// Runs every closure that comes after this in a copy of the current context, taken now, without the variables
    /// declared with `inherit = false`; see [`with_context`](Self::with_context).
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
    /// # fn main() {
    /// FACTOR.set(3);
    /// let scaled: Vec<_> = [1, 2].par_iter().inherit_context().map(|n| n * FACTOR.get()).collect();
    /// assert_eq!(scaled, [3, 6]);
    /// # }
    /// ```
    fn inherit_context(self) -> WithContext<Below<Self>> {
        self.with_context(inherit_context())
    }
}

impl<I: ParallelIterator> ParallelIteratorExt for I {}

/// A parallel iterator whose closures run in a context; [`ParallelIteratorExt`] makes it.
///
/// It has rayon's adaptors as methods of its own, so that the context reaches whatever comes after them, be it what the
/// nested iterators of a `flat_map` or the other side of a `chain` give, or before a `zip`. For that reason it is not
/// itself an [`IndexedParallelIterator`], though it has the methods of one where it can: rayon's own `zip` would call
/// the closures before it without the context.
///
/// In code that knows it as `impl ParallelIterator` only, rayon's adaptors are called. There the context does not reach
/// what comes after `flat_map`, `flatten` and `chain`; call `with_context` once more behind them. And whoever waits for
/// the nested iterators of such a `flat_map` does so in the context, which jobs started past this crate then see. The
/// same goes for `try_fold` and `try_fold_with` and what follows them, whose bounds cannot be written outside of rayon.
///
/// # Examples
///
/// A function that returns one hands on the context with it, to the closures of whoever calls.
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
///     rows.par_iter().inherit_context().flat_map(|&row| 0..row)
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
    /// Runs in the context as it is: it ends in a `Below` or `Around`, or in adaptors that one of those reaches.
    inner: I,
    /// For those that are yet to come.
    context: Context,
}

impl<I> WithContext<I> {
    fn new(inner: I, context: Context) -> Self {
        Self { inner, context }
    }

    /// The iterator that `adapt` makes, which the context reaches already.
    fn reached<J>(self, adapt: impl FnOnce(I) -> J) -> WithContext<J> {
        WithContext::new(adapt(self.inner), self.context)
    }

    /// The iterator that `adapt` makes, with what comes after it in the context.
    fn below<J>(self, adapt: impl FnOnce(I) -> J) -> WithContext<Below<J>> {
        let base = adapt(self.inner);
        WithContext::new(Below { base, context: self.context.clone() }, self.context)
    }

    /// The iterator that `adapt` makes, with what comes before it and what comes after it in the context.
    fn around<J>(self, adapt: impl FnOnce(I) -> J) -> WithContext<Around<J>> {
        let base = adapt(self.inner);
        WithContext::new(Around { base, context: self.context.clone() }, self.context)
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
