//! rayon, whose jobs and parallel iterators inherit the context: put `use contextvars::rayon;` in front of ordinary
//! rayon code.
//!
//! Everything of rayon is here under its own name. Only the items that start jobs are replaced: each job of [`join`],
//! [`scope`], [`spawn`], [`broadcast`] and of a [`ThreadPool`] runs in its own copy of the caller's context (without
//! the variables declared with `inherit = false`; see [`inherit_context`](crate::inherit_context)). The values that a
//! job sets stay in its copy. The closures of a parallel iterator run in copies of the context in which it was created:
//! by `par_iter`, `into_par_iter`, `par_bridge`, `par_chunks` and the other methods of the [`prelude`], or by a
//! function of [`iter`]. `par_sort_by` and similar methods compare in the context.
//!
//! ```
//! use contextvars::rayon::prelude::*;
//! use contextvars::{context_var, rayon, with_context};
//!
//! #[context_var(default = 1)]
//! static FACTOR: u32;
//!
//! # fn main() {
//! with_context!(FACTOR = 10, {
//!     let (left, right) = rayon::join(|| FACTOR.get() * 2, || FACTOR.get() * 3);
//!     assert_eq!((left, right), (20, 30));
//!
//!     let scaled: Vec<_> = [1, 2, 3].par_iter().map(|n| n * FACTOR.get()).collect();
//!     assert_eq!(scaled, [10, 20, 30]);
//! });
//! # }
//! ```
//!
//! # Waiting
//! A worker that waits, for example for the other half of a `join`, runs other jobs meanwhile, possibly of another
//! request. A job or an iterator of this module still sees its own context. In addition, a thread that waits in a
//! function of this module, or for one of its iterators, does so in an empty context, so that plain jobs do not see the
//! context of the waiting one.
//!
//! # Limits
//! *rayon itself, in other crates.* If a job calls a crate that uses rayon itself, for example to decode an image, the
//! jobs of that crate do not inherit. While a worker waits there, its context is visible to unrelated plain jobs that
//! it runs. They may see the values of another request, for example in a log line. Run such code in an empty context; a
//! closure that it calls brings its context along:
//!
//! ```
//! use contextvars::{Context, context_var, inherit_context};
//!
//! # fn decode(progress: impl Fn(u32) + Sync) { ::rayon::join(|| progress(50), || ()); }
//! #[context_var]
//! static REQUEST_ID: u64;
//!
//! # fn main() {
//! REQUEST_ID.set(7);
//! let ctx = inherit_context();
//! let progress = |percent| ctx.run_copy(|| println!("request {}: {percent} %", REQUEST_ID.get()));
//! Context::new().run(|| decode(progress));
//! # }
//! ```
//!
//! *Iterators behind rayon's traits.* An `impl ParallelIterator` has rayon's own adaptors; see
//! [`WithContext`](iter::WithContext). They keep the context, except after `flat_map`, `flatten`, `chain`, `chunks` and
//! `fold_chunks`: there, attach it again with [`inherit_context()`](iter::ParallelIteratorExt::inherit_context).
//!
//! *Your own types.* Implement `::rayon::iter::IntoParallelIterator`, with rayon's types, and not the trait of this
//! module, which is implemented for all types that implement rayon's. The same applies to the `IntoParallelIterator` in
//! the signature of a [`ParallelExtend`](iter::ParallelExtend) or [`FromParallelIterator`](iter::FromParallelIterator).

pub mod iter;
pub mod slice;
pub mod str;

mod builder;
mod copies;
mod job;
mod named;
mod pool;
mod scope;

/// [`rayon::prelude`](::rayon::prelude), with sources that inherit, and the trait that gives an iterator a context.
pub mod prelude {
    pub use super::iter::{
        IntoParallelIterator, IntoParallelRefIterator, IntoParallelRefMutIterator, ParallelBridge, ParallelDrainFull,
        ParallelDrainRange, ParallelIteratorExt,
    };
    pub use super::slice::{ParallelSlice, ParallelSliceMut};
    pub use super::str::ParallelString;
    #[doc(no_inline)]
    pub use ::rayon::prelude::*;
}

#[doc(no_inline)]
pub use ::rayon::*;

pub use self::builder::ThreadPoolBuilder;
pub use self::job::{broadcast, join, join_context, spawn, spawn_broadcast, spawn_fifo, yield_local, yield_now};
pub use self::named::{array, collections, option, range, range_inclusive, result, string, vec};
pub use self::pool::ThreadPool;
pub use self::scope::{Inherit, Scope, ScopeFifo, in_place_scope, in_place_scope_fifo, scope, scope_fifo};
