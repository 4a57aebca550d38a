//! tokio, with spawns that inherit the context: put `use contextvars::tokio;` in front of ordinary tokio code.
//!
//! Everything of tokio is here under its own name. What spawns is replaced: a task spawned by [`spawn`], by
//! [`task::spawn_blocking`], by a [`task::JoinSet`] or a [`task::LocalSet`] runs in a copy of the spawner's context
//! (without the variables declared with `inherit = false`; see [`inherit_context`](crate::inherit_context)). What the
//! task sets stays in its copy. Macros such as `#[tokio::main]` and `tokio::join!` work as they are.
//!
//! Out of reach are spawns that other crates make, and methods of tokio's own types (`Handle::spawn`,
//! `Runtime::spawn`): there, write `handle.spawn(future.in_current_context())` with
//! [`ContextExt`](crate::ContextExt).
//!
//! # Examples
//!
//! ```
//! use contextvars::{context_var, tokio, with_context};
//!
//! #[context_var(default = 0)]
//! static REQUEST_ID: u64;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() {
//!     let task = with_context!(REQUEST_ID = 7, { tokio::spawn(async { REQUEST_ID.get() }) });
//!     assert_eq!(task.await.unwrap(), 7);
//! }
//! ```

mod async_io;
mod join_set;
mod local_set;
pub mod task;

#[doc(no_inline)]
pub use ::tokio::*;

#[doc(inline)]
pub use self::task::spawn;
