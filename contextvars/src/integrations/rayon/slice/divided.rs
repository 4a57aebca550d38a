//! Iterators over a slice that a closure divides, in the context.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use ::rayon::iter::ParallelIterator;
use ::rayon::iter::plumbing::UnindexedConsumer;
use ::rayon::slice::{ParallelSlice, ParallelSliceMut};

use crate::context::Context;
use crate::integrations::rayon::copies::Copies;

/// Defines an iterator that divides a slice as its namesake in rayon, and whose closure runs in a context.
macro_rules! divided {
    ($(
        $Name:ident<'data, T: $Bound:ident, F> of $slice:ty, by Fn($($item:ident: $Item:ty),+) = $method:ident
        $({ $clone:ident })?
    )+) => { $(
        #[doc = concat!(
            "A [`rayon::slice::", stringify!($Name), "`](::rayon::slice::", stringify!($Name),
            ") whose closure runs in a context; `", stringify!($method), "` makes it."
        )]
        pub struct $Name<'data, T, F> {
            slice: $slice,
            f: F,
            context: Context,
        }

        impl<'data, T, F> $Name<'data, T, F> {
            pub(super) fn new(slice: $slice, f: F, context: Context) -> Self {
                Self { slice, f, context }
            }
        }

        impl<'data, T: $Bound, F> ParallelIterator for $Name<'data, T, F>
        where
            F: Fn($($Item),+) -> bool + Send + Sync,
        {
            type Item = $slice;

            fn drive_unindexed<C: UnindexedConsumer<$slice>>(self, consumer: C) -> C::Result {
                let Self { slice, f, context } = self;
                let copies = Copies::of(&context);
                slice.$method(|$($item: $Item),+| copies.run(|| f($($item),+))).drive_unindexed(consumer)
            }
        }

        // A panic in the closure leaves every copy of the context that other code can see unchanged.
        impl<'data, T, F: UnwindSafe> UnwindSafe for $Name<'data, T, F> where $slice: UnwindSafe {}
        impl<'data, T, F: RefUnwindSafe> RefUnwindSafe for $Name<'data, T, F> where $slice: RefUnwindSafe {}

        impl<T: fmt::Debug, F> fmt::Debug for $Name<'_, T, F> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Name)).field("slice", &self.slice).finish_non_exhaustive()
            }
        }

        $(impl<T, F: $clone> $clone for $Name<'_, T, F> {
            fn clone(&self) -> Self {
                Self { slice: self.slice, f: self.f.clone(), context: self.context.clone() }
            }
        })?
    )+ };
}

divided! {
    Split<'data, T: Sync, F> of &'data [T], by Fn(item: &T) = par_split { Clone }
    SplitInclusive<'data, T: Sync, F> of &'data [T], by Fn(item: &T) = par_split_inclusive { Clone }
    ChunkBy<'data, T: Sync, F> of &'data [T], by Fn(left: &T, right: &T) = par_chunk_by { Clone }
    SplitMut<'data, T: Send, F> of &'data mut [T], by Fn(item: &T) = par_split_mut
    SplitInclusiveMut<'data, T: Send, F> of &'data mut [T], by Fn(item: &T) = par_split_inclusive_mut
    ChunkByMut<'data, T: Send, F> of &'data mut [T], by Fn(left: &T, right: &T) = par_chunk_by_mut
}
