//! Sources whose items a closure splits or discovers: rayon's `split` and `walk_tree`, with iterators that inherit.

use std::fmt;

use ::rayon::iter::ParallelIterator;
use ::rayon::iter::plumbing::UnindexedConsumer;

use super::{Inheriting, ParallelIteratorExt};
use crate::integrations::rayon::job::waiting;

/// Does what [`rayon::iter::split`](::rayon::iter::split) does, with an iterator that inherits the context.
///
/// `splitter` itself is called in an empty context, on any thread. To run it in the caller's context, move a copy into
/// it.
///
/// # Examples
///
/// ```
/// use std::ops::Range;
///
/// use contextvars::rayon::prelude::*;
/// use contextvars::{context_var, inherit_context, rayon};
///
/// #[context_var]
/// static LEAST: usize;
///
/// # fn main() {
/// LEAST.set(4);
/// let here = inherit_context();
/// let in_halves = |range: Range<usize>| {
///     let middle = range.start + range.len() / 2;
///     let is_small = here.run_copy(|| range.len() < 2 * LEAST.get());
///     if is_small { (range, None) } else { (range.start..middle, Some(middle..range.end)) }
/// };
/// assert!(rayon::iter::split(0..64, in_halves).all(|piece| piece.len() >= LEAST.get()));
/// # }
/// ```
pub fn split<D, S>(data: D, splitter: S) -> Inheriting<Split<D, S>>
where
    D: Send,
    S: Fn(D) -> (D, Option<D>) + Sync + Send,
{
    Split { data, splitter }.inherit_context()
}

/// A [`rayon::iter::Split`](::rayon::iter::Split) whose closure runs in an empty context; [`split()`] makes it.
#[derive(Clone)]
pub struct Split<D, S> {
    data: D,
    splitter: S,
}

impl<D, S> ParallelIterator for Split<D, S>
where
    D: Send,
    S: Fn(D) -> (D, Option<D>) + Sync + Send,
{
    type Item = D;

    fn drive_unindexed<C: UnindexedConsumer<D>>(self, consumer: C) -> C::Result {
        let Self { data, splitter } = self;
        ::rayon::iter::split(data, |data| waiting(|| splitter(data))).drive_unindexed(consumer)
    }
}

impl<D: fmt::Debug, S> fmt::Debug for Split<D, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Split").field("data", &self.data).finish_non_exhaustive()
    }
}

/// Defines a source that visits the nodes of a tree, like the one of the same name in rayon.
macro_rules! walks {
    ($($(#[$doc:meta])* fn $name:ident() -> $Walk:ident $(where I: $Also:ident)?;)+) => { $(
        #[doc = concat!(
            "Does what [`rayon::iter::", stringify!($name), "`](::rayon::iter::", stringify!($name),
            ") does, with an iterator that inherits the context."
        )]
        ///
        /// `children_of` itself is called in an empty context, on any thread; see [`split()`].
        $(#[$doc])*
        pub fn $name<S, B, I>(root: S, children_of: B) -> Inheriting<$Walk<S, B>>
        where
            S: Send,
            B: Fn(&S) -> I + Send + Sync,
            I: IntoIterator<Item = S, IntoIter: DoubleEndedIterator> $(+ $Also)?,
        {
            $Walk { root, children_of }.inherit_context()
        }

        #[doc = concat!(
            "A [`rayon::iter::", stringify!($Walk), "`](::rayon::iter::", stringify!($Walk),
            ") whose closure runs in an empty context; [`", stringify!($name), "`] makes it."
        )]
        #[derive(Clone)]
        pub struct $Walk<S, B> {
            root: S,
            children_of: B,
        }

        impl<S, B, I> ParallelIterator for $Walk<S, B>
        where
            S: Send,
            B: Fn(&S) -> I + Send + Sync,
            I: IntoIterator<Item = S, IntoIter: DoubleEndedIterator> $(+ $Also)?,
        {
            type Item = S;

            fn drive_unindexed<C: UnindexedConsumer<S>>(self, consumer: C) -> C::Result {
                let Self { root, children_of } = self;
                ::rayon::iter::$name(root, |node: &S| waiting(|| children_of(node))).drive_unindexed(consumer)
            }
        }

        impl<S: fmt::Debug, B> fmt::Debug for $Walk<S, B> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Walk)).field("root", &self.root).finish_non_exhaustive()
            }
        }
    )+ };
}

walks! {
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::rayon::prelude::*;
    /// use contextvars::{context_var, rayon};
    ///
    /// #[context_var]
    /// static FACTOR: u32;
    ///
    /// # fn main() {
    /// FACTOR.set(3);
    /// let below = |&node: &u32| (1..node).rev().filter(move |child| node == child * 2);
    /// assert_eq!(rayon::iter::walk_tree(8, below).map(|n| n * FACTOR.get()).sum::<u32>(), 45);
    /// # }
    /// ```
    fn walk_tree() -> WalkTree where I: Send;
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::rayon::iter::walk_tree_prefix;
    /// use contextvars::rayon::prelude::*;
    ///
    /// let below = |&node: &u32| (1..node).rev().filter(move |child| node == child * 2);
    /// assert_eq!(walk_tree_prefix(8, below).collect::<Vec<_>>(), [8, 4, 2, 1]);
    /// ```
    fn walk_tree_prefix() -> WalkTreePrefix;
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::rayon::iter::walk_tree_postfix;
    /// use contextvars::rayon::prelude::*;
    ///
    /// let below = |&node: &u32| (1..node).rev().filter(move |child| node == child * 2);
    /// assert_eq!(walk_tree_postfix(8, below).collect::<Vec<_>>(), [1, 2, 4, 8]);
    /// ```
    fn walk_tree_postfix() -> WalkTreePostfix;
}
