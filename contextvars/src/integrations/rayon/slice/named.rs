//! Iterators over a slice, under rayon's names, which inherit.

use ::rayon::iter::Map;
use ::rayon::slice as original;

use crate::integrations::rayon::iter::{Below, Inheriting, WithContext};

/// Defines the names of the iterators.
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
// Built on `Windows`, since rayon has this type only since 1.12.
pub type ArrayWindows<'data, T, const N: usize> =
    WithContext<Map<Below<original::Windows<'data, T>>, fn(&'data [T]) -> &'data [T; N]>>;

/// Defines the methods of the iterators that leave a rest.
macro_rules! exact {
    ($($Name:ident),+) => { $(
        impl<'data, T: Sync> WithContext<Below<original::$Name<'data, T>>> {
            /// Returns the rest.
            pub fn remainder(&self) -> &'data [T] {
                self.inner.base.remainder()
            }
        }
    )+ };
    (mut $($Name:ident),+) => { $(
        impl<'data, T: Send> WithContext<Below<original::$Name<'data, T>>> {
            /// Returns the rest, instead of the pieces.
            pub fn into_remainder(self) -> &'data mut [T] {
                self.inner.base.into_remainder()
            }

            /// Borrows the rest.
            pub fn remainder(&mut self) -> &mut [T] {
                self.inner.base.remainder()
            }

            /// Returns the rest; later calls return an empty slice.
            pub fn take_remainder(&mut self) -> &'data mut [T] {
                self.inner.base.take_remainder()
            }
        }
    )+ };
}

exact!(ChunksExact, RChunksExact);
exact!(mut ChunksExactMut, RChunksExactMut);
