//! rayon, with jobs that inherit the context: put `use contextvars::rayon;` in front of ordinary rayon code.
//!
//! Everything of rayon is here under its own name. What starts jobs is replaced: each job of [`join`], [`scope`],
//! [`spawn`], [`broadcast`] and of a [`ThreadPool`] runs in its own copy of the caller's context (without the variables
//! declared with `inherit = false`; see [`inherit_context`](crate::inherit_context)). What a job sets stays in its
//! copy.
//!
//! A parallel iterator inherits where it says so, with
//! [`inherit_context()`](iter::ParallelIteratorExt::inherit_context):
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
//!     let scaled: Vec<_> = [1, 2, 3].par_iter().inherit_context().map(|n| n * FACTOR.get()).collect();
//!     assert_eq!(scaled, [10, 20, 30]);
//! });
//! # }
//! ```
//!
//! # Waiting
//! A worker that waits, for the other half of a `join` say, runs other jobs meanwhile: for another request, perhaps. A
//! job started through this module sees its own context all the same. Beyond that, whoever waits in one of these
//! functions does so in an empty context, so that jobs which were started by other means do not see the waiter's.
//!
//! # Limits
//! rayon's own functions called under their own path (`::rayon::join`, or by another crate) do not inherit, and a job
//! that waits in one of them shows its context to jobs started by other means. Pools come from the
//! [`ThreadPoolBuilder`] of this module.
//!
//! # Python
//! Has no counterpart: what `concurrent.futures` runs on its threads does not see the context of whoever submits it.

pub mod iter;

mod builder;
mod job;
mod pool;
mod scope;

/// [`rayon::prelude`](::rayon::prelude), and the trait that gives parallel iterators a context.
pub mod prelude {
    pub use super::iter::ParallelIteratorExt;
    #[doc(no_inline)]
    pub use ::rayon::prelude::*;
}

#[doc(no_inline)]
pub use ::rayon::*;

pub use self::builder::ThreadPoolBuilder;
pub use self::job::{broadcast, join, join_context, spawn, spawn_broadcast, spawn_fifo, yield_local, yield_now};
pub use self::pool::ThreadPool;
pub use self::scope::{Inherit, Scope, ScopeFifo, in_place_scope, in_place_scope_fifo, scope, scope_fifo};
