//! The sources of parallel iterators: rayon's traits and functions under their own names, with iterators that inherit.

use std::iter::FusedIterator;
use std::ops::RangeBounds;
use std::panic::{RefUnwindSafe, UnwindSafe};

use ::rayon::iter::plumbing::UnindexedConsumer;
use ::rayon::iter::{IndexedParallelIterator, ParallelIterator, RepeatN, Zip};

use super::carry::{Around, Below};
use super::{Inheriting, ParallelIteratorExt, WithContext};
use crate::context::{Context, inherit_context};

/// [`rayon::iter::IntoParallelIterator`](::rayon::iter::IntoParallelIterator), with an iterator that inherits the
/// context.
///
/// Implemented for all types that implement rayon's trait: for your own types, implement rayon's, named
/// `::rayon::iter::IntoParallelIterator`.
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
/// fn scaled(numbers: impl IntoParallelIterator<Item = u32>) -> u32 {
///     numbers.into_par_iter().map(|n| n * FACTOR.get()).sum()
/// }
///
/// # fn main() {
/// FACTOR.set(3);
/// assert_eq!((scaled(vec![1, 2]), scaled(0..4)), (9, 18));
/// # }
/// ```
pub trait IntoParallelIterator {
    /// The type of rayon's own iterator, which the one that inherits wraps.
    type Iter: ParallelIterator<Item = Self::Item>;
    /// The type of its items.
    type Item: Send;

    /// Like rayon's method; every later closure runs in a copy of the current context, taken now.
    fn into_par_iter(self) -> Inheriting<Self::Iter>;
}

impl<T: ::rayon::iter::IntoParallelIterator> IntoParallelIterator for T {
    type Iter = T::Iter;
    type Item = T::Item;

    fn into_par_iter(self) -> Inheriting<T::Iter> {
        ::rayon::iter::IntoParallelIterator::into_par_iter(self).inherit_context()
    }
}

/// rayon's own iterator.
pub(super) fn original<T: IntoParallelIterator>(items: T) -> T::Iter {
    items.into_par_iter().inner.base
}

/// [`rayon::iter::IntoParallelRefIterator`](::rayon::iter::IntoParallelRefIterator), with an iterator that inherits the
/// context.
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
/// let scaled: Vec<_> = [1, 2].par_iter().map(|n| n * FACTOR.get()).collect();
/// assert_eq!(scaled, [3, 6]);
/// # }
/// ```
pub trait IntoParallelRefIterator<'data> {
    /// The type of rayon's own iterator, which the one that inherits wraps.
    type Iter: ParallelIterator<Item = Self::Item>;
    /// The type of its items.
    type Item: Send + 'data;

    /// Like rayon's method; every later closure runs in a copy of the current context, taken now.
    fn par_iter(&'data self) -> Inheriting<Self::Iter>;
}

impl<'data, T: 'data + ?Sized> IntoParallelRefIterator<'data> for T
where
    &'data T: IntoParallelIterator,
{
    type Iter = <&'data T as IntoParallelIterator>::Iter;
    type Item = <&'data T as IntoParallelIterator>::Item;

    fn par_iter(&'data self) -> Inheriting<Self::Iter> {
        self.into_par_iter()
    }
}

/// [`rayon::iter::IntoParallelRefMutIterator`](::rayon::iter::IntoParallelRefMutIterator), with an iterator that
/// inherits the context.
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
/// let mut numbers = [1, 2];
/// numbers.par_iter_mut().for_each(|n| *n *= FACTOR.get());
/// assert_eq!(numbers, [3, 6]);
/// # }
/// ```
pub trait IntoParallelRefMutIterator<'data> {
    /// The type of rayon's own iterator, which the one that inherits wraps.
    type Iter: ParallelIterator<Item = Self::Item>;
    /// The type of its items.
    type Item: Send + 'data;

    /// Like rayon's method; every later closure runs in a copy of the current context, taken now.
    fn par_iter_mut(&'data mut self) -> Inheriting<Self::Iter>;
}

impl<'data, T: 'data + ?Sized> IntoParallelRefMutIterator<'data> for T
where
    &'data mut T: IntoParallelIterator,
{
    type Iter = <&'data mut T as IntoParallelIterator>::Iter;
    type Item = <&'data mut T as IntoParallelIterator>::Item;

    fn par_iter_mut(&'data mut self) -> Inheriting<Self::Iter> {
        self.into_par_iter()
    }
}

/// [`rayon::iter::ParallelDrainFull`](::rayon::iter::ParallelDrainFull), with an iterator that inherits the context.
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
///
/// use contextvars::context_var;
/// use contextvars::rayon::prelude::*;
///
/// #[context_var]
/// static FACTOR: u32;
///
/// # fn main() {
/// FACTOR.set(3);
/// let mut prices = HashMap::from([("spam", 2), ("ham", 4)]);
/// assert_eq!(prices.par_drain().map(|(_, price)| price * FACTOR.get()).sum::<u32>(), 18);
/// # }
/// ```
pub trait ParallelDrainFull {
    /// The type of rayon's own iterator, which the one that inherits wraps.
    type Iter: ParallelIterator<Item = Self::Item>;
    /// The type of its items.
    type Item: Send;

    /// Like rayon's method; every later closure runs in a copy of the current context, taken now.
    fn par_drain(self) -> Inheriting<Self::Iter>;
}

impl<T: ::rayon::iter::ParallelDrainFull> ParallelDrainFull for T {
    type Iter = T::Iter;
    type Item = T::Item;

    fn par_drain(self) -> Inheriting<T::Iter> {
        ::rayon::iter::ParallelDrainFull::par_drain(self).inherit_context()
    }
}

/// [`rayon::iter::ParallelDrainRange`](::rayon::iter::ParallelDrainRange), with an iterator that inherits the context.
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
/// let mut numbers = vec![1, 2, 4];
/// assert_eq!(numbers.par_drain(1..).map(|n| n * FACTOR.get()).sum::<u32>(), 18);
/// # }
/// ```
pub trait ParallelDrainRange<Idx = usize> {
    /// The type of rayon's own iterator, which the one that inherits wraps.
    type Iter: ParallelIterator<Item = Self::Item>;
    /// The type of its items.
    type Item: Send;

    /// Like rayon's method; every later closure runs in a copy of the current context, taken now.
    fn par_drain<R: RangeBounds<Idx>>(self, range: R) -> Inheriting<Self::Iter>;
}

impl<Idx, T: ::rayon::iter::ParallelDrainRange<Idx>> ParallelDrainRange<Idx> for T {
    type Iter = T::Iter;
    type Item = T::Item;

    fn par_drain<R: RangeBounds<Idx>>(self, range: R) -> Inheriting<T::Iter> {
        ::rayon::iter::ParallelDrainRange::par_drain(self, range).inherit_context()
    }
}

/// [`rayon::iter::ParallelBridge`](::rayon::iter::ParallelBridge), with an iterator that inherits the context.
///
/// # Examples
///
/// The closures of the sequential iterator see the context, too.
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
/// let squares = (1..4).map(|n| n * FACTOR.get()).par_bridge().map(|n| n * FACTOR.get());
/// assert_eq!(squares.sum::<u32>(), 54);
/// # }
/// ```
pub trait ParallelBridge: Sized {
    /// Like rayon's method; every closure of the iterator, and every later closure, runs in a copy of the current
    /// context, taken now.
    fn par_bridge(self) -> Inheriting<IterBridge<Self>>;
}

impl<T: Iterator<Item: Send> + Send> ParallelBridge for T {
    fn par_bridge(self) -> Inheriting<IterBridge<T>> {
        let context = inherit_context();
        IterBridge { items: self, context: context.clone() }.with_context(context)
    }
}

/// A [`rayon::iter::IterBridge`](::rayon::iter::IterBridge) whose iterator runs in a context; [`ParallelBridge`] makes
/// it.
#[derive(Clone, Debug)]
pub struct IterBridge<Iter> {
    items: Iter,
    context: Context,
}

impl<Iter: Iterator<Item: Send> + Send> ParallelIterator for IterBridge<Iter> {
    type Item = Iter::Item;

    fn drive_unindexed<C: UnindexedConsumer<Iter::Item>>(self, consumer: C) -> C::Result {
        let Self { items, context } = self;
        ::rayon::iter::ParallelBridge::par_bridge(InTurn { items, context }).drive_unindexed(consumer)
    }
}

// A panic in `next` leaves every copy of the context that other code can see unchanged.
impl<Iter: UnwindSafe> UnwindSafe for IterBridge<Iter> {}
impl<Iter: RefUnwindSafe> RefUnwindSafe for IterBridge<Iter> {}

/// The iterator from which the threads take items, one thread at a time.
struct InTurn<Iter> {
    items: Iter,
    context: Context,
}

impl<Iter: Iterator> Iterator for InTurn<Iter> {
    type Item = Iter::Item;

    fn next(&mut self) -> Option<Iter::Item> {
        self.context.run(|| self.items.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl<Iter: FusedIterator> FusedIterator for InTurn<Iter> {}

/// Defines sources that call those of the same name in rayon.
macro_rules! functions {
    ($(
        $(#[$more:meta])*
        fn $name:ident<$($generic:ident),+>($($argument:ident: $type:ty),*) -> $output:ident<$($parameter:ident),+>
            where { $($bounds:tt)+ } = $call:expr;
    )+) => { $(
        #[doc = concat!("Like rayon's `", stringify!($name), "`, with an iterator that inherits the context.")]
        $(#[$more])*
        pub fn $name<$($generic),+>($($argument: $type),*) -> Inheriting<::rayon::iter::$output<$($parameter),+>>
        where
            $($bounds)+
        {
            ParallelIteratorExt::inherit_context($call)
        }
    )+ };
}

functions! {
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::rayon::iter;
    /// use contextvars::rayon::prelude::*;
    ///
    /// assert_eq!(iter::empty::<u32>().chain([1]).sum::<u32>(), 1);
    /// ```
    fn empty<T>() -> Empty<T> where { T: Send } = ::rayon::iter::empty();
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::rayon::iter;
    /// use contextvars::rayon::prelude::*;
    ///
    /// assert_eq!(iter::once(1).chain([2]).sum::<u32>(), 3);
    /// ```
    fn once<T>(item: T) -> Once<T> where { T: Send } = ::rayon::iter::once(item);
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::context_var;
    /// use contextvars::rayon::iter;
    /// use contextvars::rayon::prelude::*;
    ///
    /// #[context_var]
    /// static FACTOR: u32;
    ///
    /// # fn main() {
    /// FACTOR.set(3);
    /// assert_eq!(iter::repeat_n(2, 4).map(|n| n * FACTOR.get()).sum::<u32>(), 24);
    /// # }
    /// ```
    fn repeat_n<T>(element: T, n: usize) -> RepeatN<T> where { T: Clone + Send } =
        ::rayon::iter::repeat(element).take(n);
    ///
    /// # Examples
    ///
    /// ```
    /// # #![allow(deprecated, reason = "it is the old name that is shown")]
    /// use contextvars::rayon::iter;
    /// use contextvars::rayon::prelude::*;
    ///
    /// assert_eq!(iter::repeatn(2, 4).sum::<u32>(), 8);
    /// ```
    #[deprecated(note = "use `repeat_n`")]
    fn repeatn<T>(element: T, n: usize) -> RepeatN<T> where { T: Clone + Send } =
        ::rayon::iter::repeat(element).take(n);
}

/// Like rayon's `repeat`, with an iterator that inherits the context.
///
/// # Examples
///
/// ```
/// use contextvars::context_var;
/// use contextvars::rayon::iter;
/// use contextvars::rayon::prelude::*;
///
/// #[context_var]
/// static FACTOR: u32;
///
/// # fn main() {
/// FACTOR.set(3);
/// let scaled: Vec<_> = iter::repeat(2).zip(0..3).map(|(a, b)| (a + b) * FACTOR.get()).collect();
/// assert_eq!(scaled, [6, 9, 12]);
/// # }
/// ```
pub fn repeat<T: Clone + Send>(element: T) -> Repeat<T> {
    Repeat { inner: ::rayon::iter::repeat(element).inherit_context() }
}

/// A [`rayon::iter::Repeat`](::rayon::iter::Repeat) that inherits the context; [`repeat`] makes it.
#[derive(Clone, Debug)]
pub struct Repeat<T: Clone + Send> {
    inner: Inheriting<::rayon::iter::Repeat<T>>,
}

impl<T: Clone + Send> Repeat<T> {
    /// Repeats the element `n` times, in the same context.
    pub fn take(self, n: usize) -> Inheriting<RepeatN<T>> {
        let context = self.inner.context;
        self.inner.inner.base.take(n).with_context(context)
    }

    /// Pairs the element with each item of `other`, in the same context.
    pub fn zip<Z>(self, other: Z) -> WithContext<RepeatedBeside<T, Z::Iter>>
    where
        Z: IntoParallelIterator<Iter: IndexedParallelIterator>,
    {
        let other = original(other);
        self.take(other.len()).zip(other)
    }
}

/// The iterator of [`Repeat::zip`].
type RepeatedBeside<T, I> = Around<Zip<Below<RepeatN<T>>, I>>;

impl<T: Clone + Send> ParallelIterator for Repeat<T> {
    type Item = T;

    fn drive_unindexed<C: UnindexedConsumer<T>>(self, consumer: C) -> C::Result {
        self.inner.drive_unindexed(consumer)
    }
}
