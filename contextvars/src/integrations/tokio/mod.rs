//! tokio, with spawns that inherit the context: put `use contextvars::tokio;` in front of ordinary tokio code.
//!
//! Everything of tokio is here under its own name. What spawns is replaced: a task spawned by [`spawn`], by
//! [`task::spawn_blocking`], by a [`task::JoinSet`] or a [`task::LocalSet`] runs in a copy of the spawner's context
//! (without the variables declared with `inherit = false`; see [`inherit_context`](crate::inherit_context)). What the
//! task sets stays in its copy. Macros such as `#[tokio::main]` and `tokio::join!` work as they are.
//!
//! Work that outlives what starts it is spawned detached, by [`spawn_detached`]: what inherits keeps the values that it
//! inherited. Below a `use super::*`, as in `mod tests`, import this module once more by its name; see the
//! [pitfalls](crate::guide::pitfalls#a-facade-and-use-super).
//!
//! Methods of tokio's own types cannot be replaced: beside `Runtime::spawn` and `Handle::spawn` stand those of
//! [`SpawnInheriting`]. Spawns that other crates make are out of reach, but for the feature `tokio-hooks`.
//!
//! What polls a future or calls a function in place needs no replacement, and stays in the context at hand: `block_on`,
//! `block_in_place`, `LocalSet::run_until`, `timeout`, `unconstrained`. Nor does what tokio runs on the blocking pool
//! for itself, as in `tokio::fs`: none of it is your code.
//!
//! A function that must run on the blocking pool but belongs to the task at hand runs in the task's own context with
//! [`task::run_blocking`].
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
//!
//! # Python
//! What asyncio does by itself: there, a task copies the context whoever creates it, and the whole of it.

mod async_io;
#[cfg(feature = "tokio-hooks")]
mod hooks;
mod join_set;
pub(crate) mod joining;
mod local_set;
#[cfg(all(tokio_unstable, not(feature = "tokio-tracing")))]
mod no_task_builder;
mod run_blocking;
mod spawn_inheriting;
pub mod task;
#[cfg(all(tokio_unstable, feature = "tokio-tracing"))]
mod task_builder;
pub(crate) mod test_runtime;

#[doc(no_inline)]
pub use ::tokio::*;

#[cfg(all(tokio_unstable, feature = "tokio-hooks"))]
pub use self::hooks::Inheritance;
#[cfg(feature = "tokio-hooks")]
pub use self::hooks::{InheritContexts, TokioUnstable};
pub use self::spawn_inheriting::{SpawnInheriting, SpawnLocalInheriting};
#[doc(inline)]
pub use self::task::{spawn, spawn_detached};
