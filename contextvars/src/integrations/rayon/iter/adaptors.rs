//! rayon's adaptors as methods of [`WithContext`]: each works like the one of the same name, and keeps the context.

use std::cmp::Ordering;

use ::rayon::iter::{
    Chain, Chunks, Cloned, Copied, Enumerate, ExponentialBlocks, Filter, FilterMap, FlatMapIter, FlattenIter, Fold,
    FoldChunks, FoldChunksWith, FoldWith, IndexedParallelIterator, Inspect, Interleave, InterleaveShortest,
    Intersperse, Map, MapInit, MapWith, MaxLen, MinLen, PanicFuse, ParallelIterator, Positions, Rev, Skip, SkipAny,
    SkipAnyWhile, StepBy, Take, TakeAny, TakeAnyWhile, UniformBlocks, Update, WhileSome, Zip, ZipEq,
};

use super::WithContext;
use super::carry::{Around, Below};
use super::nested::{FlatMap, Flatten};
use super::sources::{IntoParallelIterator, original};

/// Defines each method like the one of the same name in rayon, with the context where `$reach` puts it.
macro_rules! adaptors {
    ($($reach:ident {
        $(
            $(#[$more:meta])*
            fn $name:ident $(<$($generic:ident),+>)? ($($argument:ident: $type:ty),*) -> $output:ty
            $(where { $($bounds:tt)+ })?;
        )+
    })+) => { $($(
        #[doc = concat!("Like rayon's `", stringify!($name), "`, in the context.")]
        $(#[$more])*
        pub fn $name $(<$($generic),+>)? (self, $($argument: $type),*) -> WithContext<$output>
        $(where $($bounds)+)?
        {
            self.$reach(|inner| inner.$name($($argument),*))
        }
    )+)+ };
}

/// Defines each method that takes another iterator like the one of the same name in rayon.
macro_rules! adaptors_of_two {
    ($($(#[$more:meta])* fn $name:ident<$other:ident>() -> $reach:ident $output:ty where { $($bounds:tt)+ };)+) => { $(
        #[doc = concat!("Like rayon's `", stringify!($name), "`, in the context.")]
        $(#[$more])*
        pub fn $name<$other>(self, other: $other) -> WithContext<$output>
        where
            $($bounds)+
        {
            let other = original(other);
            self.$reach(|inner| inner.$name(other))
        }
    )+ };
}

impl<I: ParallelIterator> WithContext<I> {
    adaptors! {
        reached {
            fn map<F, R>(f: F) -> Map<I, F> where { F: Fn(I::Item) -> R + Sync + Send, R: Send };
            fn map_with<F, T, R>(init: T, f: F) -> MapWith<I, T, F>
                where { F: Fn(&mut T, I::Item) -> R + Sync + Send, T: Send + Clone, R: Send };
            fn map_init<F, INIT, T, R>(init: INIT, f: F) -> MapInit<I, INIT, F>
                where { F: Fn(&mut T, I::Item) -> R + Sync + Send, INIT: Fn() -> T + Sync + Send, R: Send };
            fn inspect<F>(f: F) -> Inspect<I, F> where { F: Fn(&I::Item) + Sync + Send };
            fn update<F>(f: F) -> Update<I, F> where { F: Fn(&mut I::Item) + Sync + Send };
            fn filter<P>(predicate: P) -> Filter<I, P> where { P: Fn(&I::Item) -> bool + Sync + Send };
            fn filter_map<P, R>(f: P) -> FilterMap<I, P>
                where { P: Fn(I::Item) -> Option<R> + Sync + Send, R: Send };
            fn flat_map_iter<F, S>(f: F) -> FlatMapIter<I, F>
                where { F: Fn(I::Item) -> S + Sync + Send, S: IntoIterator<Item: Send> };
            fn flatten_iter() -> FlattenIter<I> where { I::Item: IntoIterator<Item: Send> };
            fn fold<T, ID, F>(identity: ID, f: F) -> Fold<I, ID, F>
                where { F: Fn(T, I::Item) -> T + Sync + Send, ID: Fn() -> T + Sync + Send, T: Send };
            fn fold_with<F, T>(init: T, f: F) -> FoldWith<I, T, F>
                where { F: Fn(T, I::Item) -> T + Sync + Send, T: Send + Clone };
            fn panic_fuse() -> PanicFuse<I>;
            fn intersperse(element: I::Item) -> Intersperse<I> where { I::Item: Clone };
            fn take_any(n: usize) -> TakeAny<I>;
            fn skip_any(n: usize) -> SkipAny<I>;
            fn take_any_while<P>(predicate: P) -> TakeAnyWhile<I, P>
                where { P: Fn(&I::Item) -> bool + Sync + Send };
            fn skip_any_while<P>(predicate: P) -> SkipAnyWhile<I, P>
                where { P: Fn(&I::Item) -> bool + Sync + Send };
        }
    }

    adaptors_of_two! {
        fn chain<C>() -> below Below<Chain<I, C::Iter>> where { C: IntoParallelIterator<Item = I::Item> };
    }

    /// Like rayon's `flat_map`, in the context.
    ///
    /// rayon drives the nested iterators while it consumes the outer one. A thread that waits for their pieces does so
    /// in an empty context, and closures after this run in the context. The closures of a nested iterator itself run in
    /// it if the iterator was created by `.inherit_context()`.
    pub fn flat_map<F, P>(self, f: F) -> WithContext<FlatMap<I, F>>
    where
        F: Fn(I::Item) -> P + Sync + Send,
        P: IntoParallelIterator,
    {
        let context = self.context.clone();
        self.reached(|inner| FlatMap { inner, f, context })
    }

    /// Like rayon's `flatten`, in the context; see [`flat_map`](Self::flat_map).
    pub fn flatten(self) -> WithContext<Flatten<I>>
    where
        I::Item: IntoParallelIterator,
    {
        let context = self.context.clone();
        self.reached(|inner| Flatten { inner, context })
    }

    /// Like rayon's `cloned`, in the context.
    pub fn cloned<'a, T>(self) -> WithContext<Cloned<I>>
    where
        T: 'a + Clone + Send,
        I: ParallelIterator<Item = &'a T>,
    {
        self.reached(I::cloned)
    }

    /// Like rayon's `copied`, in the context.
    pub fn copied<'a, T>(self) -> WithContext<Copied<I>>
    where
        T: 'a + Copy + Send,
        I: ParallelIterator<Item = &'a T>,
    {
        self.reached(I::copied)
    }

    /// Like rayon's `while_some`, in the context.
    pub fn while_some<T>(self) -> WithContext<WhileSome<I>>
    where
        T: Send,
        I: ParallelIterator<Item = Option<T>>,
    {
        self.reached(I::while_some)
    }
}

/// For iterators whose adaptors so far keep the order and number of the items.
impl<I: IndexedParallelIterator> WithContext<I> {
    adaptors_of_two! {
        fn zip<Z>() -> around Around<Zip<I, Z::Iter>>
            where { Z: IntoParallelIterator<Iter: IndexedParallelIterator> };
        ///
        /// # Panics
        /// If the two are not of the same length.
        fn zip_eq<Z>() -> around Around<ZipEq<I, Z::Iter>>
            where { Z: IntoParallelIterator<Iter: IndexedParallelIterator> };
        fn interleave<Z>() -> around Around<Interleave<I, Z::Iter>>
            where { Z: IntoParallelIterator<Item = I::Item, Iter: IndexedParallelIterator> };
        fn interleave_shortest<Z>() -> around Around<InterleaveShortest<I, Z::Iter>>
            where { Z: IntoParallelIterator<Item = I::Item, Iter: IndexedParallelIterator> };
    }

    adaptors! {
        around {
            ///
            /// # Panics
            /// If the size is 0.
            fn chunks(size: usize) -> Around<Chunks<I>>;
            ///
            /// # Panics
            /// If the size is 0.
            fn fold_chunks<T, ID, F>(size: usize, identity: ID, f: F) -> Around<FoldChunks<I, ID, F>>
                where { ID: Fn() -> T + Send + Sync, F: Fn(T, I::Item) -> T + Send + Sync, T: Send };
            ///
            /// # Panics
            /// If the size is 0.
            fn fold_chunks_with<T, F>(size: usize, init: T, f: F) -> Around<FoldChunksWith<I, T, F>>
                where { T: Send + Clone, F: Fn(T, I::Item) -> T + Send + Sync };
            fn enumerate() -> Around<Enumerate<I>>;
            ///
            /// # Panics
            /// If the step is 0.
            fn step_by(step: usize) -> Around<StepBy<I>>;
            fn skip(n: usize) -> Around<Skip<I>>;
            fn take(n: usize) -> Around<Take<I>>;
            fn rev() -> Around<Rev<I>>;
            fn with_min_len(min: usize) -> Around<MinLen<I>>;
            fn with_max_len(max: usize) -> Around<MaxLen<I>>;
        }
        below {
            fn positions<P>(predicate: P) -> Below<Positions<I, P>>
                where { P: Fn(I::Item) -> bool + Sync + Send };
        }
    }

    /// Like rayon's `by_exponential_blocks`, in the context.
    pub fn by_exponential_blocks(self) -> WithContext<Below<ExponentialBlocks<Around<I>>>> {
        self.around(|inner| inner).below(IndexedParallelIterator::by_exponential_blocks)
    }

    /// Like rayon's `by_uniform_blocks`, in the context.
    ///
    /// # Panics
    /// If the size is 0.
    pub fn by_uniform_blocks(self, size: usize) -> WithContext<Below<UniformBlocks<Around<I>>>> {
        self.around(|inner| inner).below(|inner| inner.by_uniform_blocks(size))
    }

    /// Compares the items in order, and then the lengths; as rayon's `cmp`.
    pub fn cmp<C>(self, other: C) -> Ordering
    where
        C: IntoParallelIterator<Item = I::Item, Iter: IndexedParallelIterator>,
        I::Item: Ord,
    {
        let other = original(other);
        let lengths = self.len().cmp(&other.len());
        let orders = self.zip(other).map(|(left, right)| left.cmp(&right));
        orders.find_first(|order| order.is_ne()).unwrap_or(lengths)
    }

    /// Compares the items in order, and then the lengths; as rayon's `partial_cmp`.
    pub fn partial_cmp<C>(self, other: C) -> Option<Ordering>
    where
        C: IntoParallelIterator<Iter: IndexedParallelIterator>,
        I::Item: PartialOrd<C::Item>,
    {
        let other = original(other);
        let lengths = self.len().cmp(&other.len());
        let orders = self.zip(other).map(|(left, right)| left.partial_cmp(&right));
        orders.find_first(|order| *order != Some(Ordering::Equal)).unwrap_or(Some(lengths))
    }

    /// Returns whether there are as many items, each equal to its counterpart.
    pub fn eq<C>(self, other: C) -> bool
    where
        C: IntoParallelIterator<Iter: IndexedParallelIterator>,
        I::Item: PartialEq<C::Item>,
    {
        let other = original(other);
        self.len() == other.len() && self.zip(other).all(|(left, right)| left == right)
    }

    /// Returns the opposite of [`eq`](Self::eq).
    pub fn ne<C>(self, other: C) -> bool
    where
        C: IntoParallelIterator<Iter: IndexedParallelIterator>,
        I::Item: PartialEq<C::Item>,
    {
        !self.eq(other)
    }

    /// Returns whether these items are less than the others, by [`partial_cmp`](Self::partial_cmp).
    pub fn lt<C>(self, other: C) -> bool
    where
        C: IntoParallelIterator<Iter: IndexedParallelIterator>,
        I::Item: PartialOrd<C::Item>,
    {
        self.partial_cmp(other).is_some_and(Ordering::is_lt)
    }

    /// Returns whether these items are less than the others or equal to them, by [`partial_cmp`](Self::partial_cmp).
    pub fn le<C>(self, other: C) -> bool
    where
        C: IntoParallelIterator<Iter: IndexedParallelIterator>,
        I::Item: PartialOrd<C::Item>,
    {
        self.partial_cmp(other).is_some_and(Ordering::is_le)
    }

    /// Returns whether these items are greater than the others, by [`partial_cmp`](Self::partial_cmp).
    pub fn gt<C>(self, other: C) -> bool
    where
        C: IntoParallelIterator<Iter: IndexedParallelIterator>,
        I::Item: PartialOrd<C::Item>,
    {
        self.partial_cmp(other).is_some_and(Ordering::is_gt)
    }

    /// Returns whether these items are greater than the others or equal to them, by [`partial_cmp`](Self::partial_cmp).
    pub fn ge<C>(self, other: C) -> bool
    where
        C: IntoParallelIterator<Iter: IndexedParallelIterator>,
        I::Item: PartialOrd<C::Item>,
    {
        self.partial_cmp(other).is_some_and(Ordering::is_ge)
    }
}
