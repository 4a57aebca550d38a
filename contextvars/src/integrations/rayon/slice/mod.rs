//! [`rayon::slice`](::rayon::slice), with iterators and sorts that inherit the context.

mod divided;
mod named;
mod sort;

use std::cmp::Ordering;

use ::rayon::slice as original;

pub use self::divided::{ChunkBy, ChunkByMut, Split, SplitInclusive, SplitInclusiveMut, SplitMut};
pub use self::named::{
    ArrayWindows, Chunks, ChunksExact, ChunksExactMut, ChunksMut, Iter, IterMut, RChunks, RChunksExact,
    RChunksExactMut, RChunksMut, Windows,
};
use super::iter::{Inheriting, ParallelIteratorExt};
use crate::context::inherit_context;

/// Defines methods that call those of the same name in rayon, for pieces of a size.
macro_rules! pieces {
    ($($(#[$doc:meta])* fn $name:ident($slice:ty) -> $Pieces:ident = $Original:ident of $as_slice:ident;)+) => { $(
        $(#[$doc])*
        ///
        /// # Panics
        /// If the size is 0.
        #[track_caller]
        fn $name(self: $slice, size: usize) -> $Pieces<'_, T> {
            original::$Original::$name(self.$as_slice(), size).inherit_context()
        }
    )+ };
}

/// Defines methods like those of the same name in rayon, with a closure that runs in the context.
macro_rules! divided {
    ($($(#[$doc:meta])* fn $name:ident($slice:ty) -> $Pieces:ident of $as_slice:ident, by { $($Closure:tt)+ };)+) => { $(
        $(#[$doc])*
        fn $name<F>(self: $slice, f: F) -> Inheriting<$Pieces<'_, T, F>>
        where
            F: $($Closure)+ + Send + Sync,
        {
            let context = inherit_context();
            $Pieces::new(self.$as_slice(), f, context.clone()).with_context(context)
        }
    )+ };
}

/// [`rayon::slice::ParallelSlice`](::rayon::slice::ParallelSlice), with iterators that inherit the context.
///
/// The closures that it takes see the context, too. Each thread calls them in a copy of its own.
///
/// # Examples
///
/// ```
/// use contextvars::context_var;
/// use contextvars::rayon::prelude::*;
///
/// #[context_var]
/// static SEPARATOR: u8;
///
/// # fn main() {
/// SEPARATOR.set(b' ');
/// let words = b"spam ham".par_split(|byte| *byte == SEPARATOR.get());
/// let longest = words.filter(|word| !word.contains(&SEPARATOR.get())).map(<[u8]>::len).max();
/// assert_eq!(longest, Some(4));
/// # }
/// ```
pub trait ParallelSlice<T: Sync> {
    /// Returns the slice.
    fn as_parallel_slice(&self) -> &[T];

    pieces! {
        /// Iterates over the windows of that size, which overlap.
        fn par_windows(&Self) -> Windows = ParallelSlice of as_parallel_slice;
        /// Iterates over pieces of that size, the last of which may be shorter.
        fn par_chunks(&Self) -> Chunks = ParallelSlice of as_parallel_slice;
        /// Iterates over pieces of exactly that size, without the rest.
        fn par_chunks_exact(&Self) -> ChunksExact = ParallelSlice of as_parallel_slice;
        /// Iterates over pieces of that size from the end on, the last of which may be shorter.
        fn par_rchunks(&Self) -> RChunks = ParallelSlice of as_parallel_slice;
        /// Iterates over pieces of exactly that size from the end on, without the rest.
        fn par_rchunks_exact(&Self) -> RChunksExact = ParallelSlice of as_parallel_slice;
    }

    divided! {
        /// Iterates over the pieces between the items that `f` accepts.
        fn par_split(&Self) -> Split of as_parallel_slice, by { Fn(&T) -> bool };
        /// Iterates over the pieces that end with an item that `f` accepts, and the rest.
        fn par_split_inclusive(&Self) -> SplitInclusive of as_parallel_slice, by { Fn(&T) -> bool };
        /// Iterates over the longest pieces in which `f` accepts each two neighbours.
        fn par_chunk_by(&Self) -> ChunkBy of as_parallel_slice, by { Fn(&T, &T) -> bool };
    }

    /// Iterates over the windows of that size, as arrays, which overlap.
    ///
    /// # Panics
    /// If the size is 0.
    #[track_caller]
    fn par_array_windows<const N: usize>(&self) -> ArrayWindows<'_, T, N> {
        self.par_windows(N).map(|window| match window.try_into() {
            Ok(array) => array,
            Err(_) => unreachable!("a window is of the size that was asked for"),
        })
    }
}

impl<T: Sync, S: original::ParallelSlice<T> + ?Sized> ParallelSlice<T> for S {
    fn as_parallel_slice(&self) -> &[T] {
        original::ParallelSlice::as_parallel_slice(self)
    }
}

/// [`rayon::slice::ParallelSliceMut`](::rayon::slice::ParallelSliceMut), with iterators and sorts that inherit the
/// context.
///
/// The closures that it takes see the context, too, and so does the code that compares items. Each thread calls them in
/// a copy of its own, which it enters for each call: a sort of numbers takes several times as long as rayon's own. If
/// the order does not depend on the context, call `::rayon::slice::ParallelSliceMut::par_sort(&mut numbers)`.
///
/// # Examples
///
/// ```
/// use contextvars::context_var;
/// use contextvars::rayon::prelude::*;
///
/// #[context_var]
/// static NEWEST_FIRST: bool;
///
/// # fn main() {
/// NEWEST_FIRST.set(true);
/// let mut years = [1984, 2001, 1999];
/// years.par_sort_by(|a, b| if NEWEST_FIRST.get() { b.cmp(a) } else { a.cmp(b) });
/// assert_eq!(years, [2001, 1999, 1984]);
/// # }
/// ```
pub trait ParallelSliceMut<T: Send> {
    /// Returns the slice.
    fn as_parallel_slice_mut(&mut self) -> &mut [T];

    pieces! {
        /// Iterates over pieces of that size, the last of which may be shorter.
        fn par_chunks_mut(&mut Self) -> ChunksMut = ParallelSliceMut of as_parallel_slice_mut;
        /// Iterates over pieces of exactly that size, without the rest.
        fn par_chunks_exact_mut(&mut Self) -> ChunksExactMut = ParallelSliceMut of as_parallel_slice_mut;
        /// Iterates over pieces of that size from the end on, the last of which may be shorter.
        fn par_rchunks_mut(&mut Self) -> RChunksMut = ParallelSliceMut of as_parallel_slice_mut;
        /// Iterates over pieces of exactly that size from the end on, without the rest.
        fn par_rchunks_exact_mut(&mut Self) -> RChunksExactMut = ParallelSliceMut of as_parallel_slice_mut;
    }

    divided! {
        /// Iterates over the pieces between the items that `f` accepts.
        fn par_split_mut(&mut Self) -> SplitMut of as_parallel_slice_mut, by { Fn(&T) -> bool };
        /// Iterates over the pieces that end with an item that `f` accepts, and the rest.
        fn par_split_inclusive_mut(&mut Self) -> SplitInclusiveMut of as_parallel_slice_mut, by { Fn(&T) -> bool };
        /// Iterates over the longest pieces in which `f` accepts each two neighbours.
        fn par_chunk_by_mut(&mut Self) -> ChunkByMut of as_parallel_slice_mut, by { Fn(&T, &T) -> bool };
    }

    /// Sorts; equal items keep their order.
    fn par_sort(&mut self)
    where
        T: Ord,
    {
        sort::by(self.as_parallel_slice_mut(), T::cmp);
    }

    /// Sorts by `compare`; equal items keep their order.
    fn par_sort_by<F>(&mut self, compare: F)
    where
        F: Fn(&T, &T) -> Ordering + Sync,
    {
        sort::by(self.as_parallel_slice_mut(), compare);
    }

    /// Sorts by the key that `f` returns for each item; equal items keep their order.
    fn par_sort_by_key<K, F>(&mut self, f: F)
    where
        K: Ord,
        F: Fn(&T) -> K + Sync,
    {
        sort::by(self.as_parallel_slice_mut(), |a, b| f(a).cmp(&f(b)));
    }

    /// Sorts by the key that `f` returns, called once for each item; equal items keep their order.
    fn par_sort_by_cached_key<K, F>(&mut self, f: F)
    where
        F: Fn(&T) -> K + Sync,
        K: Ord + Send,
    {
        sort::by_cached_key(self.as_parallel_slice_mut(), f);
    }

    /// Sorts in place; equal items may be reordered.
    fn par_sort_unstable(&mut self)
    where
        T: Ord,
    {
        sort::unstable_by(self.as_parallel_slice_mut(), T::cmp);
    }

    /// Sorts by `compare`, in place; equal items may be reordered.
    fn par_sort_unstable_by<F>(&mut self, compare: F)
    where
        F: Fn(&T, &T) -> Ordering + Sync,
    {
        sort::unstable_by(self.as_parallel_slice_mut(), compare);
    }

    /// Sorts by the key that `f` returns for each item, in place; equal items may be reordered.
    fn par_sort_unstable_by_key<K, F>(&mut self, f: F)
    where
        K: Ord,
        F: Fn(&T) -> K + Sync,
    {
        sort::unstable_by(self.as_parallel_slice_mut(), |a, b| f(a).cmp(&f(b)));
    }
}

impl<T: Send, S: original::ParallelSliceMut<T> + ?Sized> ParallelSliceMut<T> for S {
    fn as_parallel_slice_mut(&mut self) -> &mut [T] {
        original::ParallelSliceMut::as_parallel_slice_mut(self)
    }
}
