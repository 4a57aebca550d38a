//! tokio-util, whose tasks inherit the context: put `use contextvars::tokio_util;` in front of ordinary code.
//!
//! Everything of tokio-util is here under its own name. Only the types that spawn are replaced: [`task::TaskTracker`],
//! [`task::JoinMap`], [`task::JoinQueue`] and [`task::LocalPoolHandle`]. Their tasks run in a copy of the spawner's
//! context, as those of [`contextvars::tokio`](crate::tokio) do.
//!
//! # Examples
//!
//! ```
//! use contextvars::{context_var, tokio, tokio_util, with_context};
//!
//! #[context_var(default = 0)]
//! static REQUEST_ID: u64;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() {
//!     let tracker = tokio_util::task::TaskTracker::new();
//!     let task = with_context!(REQUEST_ID = 7, { tracker.spawn(async { REQUEST_ID.get() }) });
//!     assert_eq!(task.await.unwrap(), 7);
//! }
//! ```

mod join_map;
mod join_queue;
mod local_pool;
pub mod task;
mod task_tracker;

#[doc(no_inline)]
pub use ::tokio_util::*;
