//! What iterates over a slice, under rayon's names and inheriting.

use ::rayon::iter::Map;
use ::rayon::slice as original;

use crate::integrations::rayon::iter::{Below, Inheriting, WithContext};

/// Defines names of what the sources give.
macro_rules! named {
    ($($Name:ident),+) => { $(
        #[doc = concat!("rayon's `", stringify!($Name), "`, inheriting.")]
        pub type $Name<'data, T> = Inheriting<original::$Name<'data, T>>;
    )+ };
}

named!(Chunks, ChunksExact, ChunksExactMut, ChunksMut, Iter, IterMut);
named!(RChunks, RChunksExact, RChunksExactMut, RChunksMut, Windows);

/// rayon's `ArrayWindows`, inheriting.
//
// Made of `Windows`: rayon has it since 1.12 only.
pub type ArrayWindows<'data, T, const N: usize> =
    WithContext<Map<Below<original::Windows<'data, T>>, fn(&'data [T]) -> &'data [T; N]>>;

/// Defines what those can do that leave something over.
macro_rules! exact {
    ($($Name:ident),+) => { $(
        impl<'data, T: Sync> WithContext<Below<original::$Name<'data, T>>> {
            /// Returns what is left over.
            pub fn remainder(&self) -> &'data [T] {
                self.inner.base.remainder()
            }
        }
    )+ };
    (mut $($Name:ident),+) => { $(
        impl<'data, T: Send> WithContext<Below<original::$Name<'data, T>>> {
            /// Returns what is left over, instead of the pieces.
            pub fn into_remainder(self) -> &'data mut [T] {
                self.inner.base.into_remainder()
            }

            /// Lends what is left over.
            pub fn remainder(&mut self) -> &mut [T] {
                self.inner.base.remainder()
            }

            /// Returns what is left over; later calls return nothing.
            pub fn take_remainder(&mut self) -> &'data mut [T] {
                self.inner.base.take_remainder()
            }
        }
    )+ };
}

exact!(ChunksExact, RChunksExact);
exact!(mut ChunksExactMut, RChunksExactMut);
