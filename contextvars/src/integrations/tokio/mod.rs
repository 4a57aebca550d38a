//! tokio, whose tasks inherit the context: put `use contextvars::tokio;` in front of ordinary tokio code.
//!
//! Everything of tokio is here under its own name. Only the items that spawn are replaced: a task spawned by [`spawn`],
//! by [`task::spawn_blocking`], by a [`task::JoinSet`] or a [`task::LocalSet`] runs in a copy of the spawner's context
//! (without the variables declared with `inherit = false`; see [`inherit_context`](crate::inherit_context)). The values
//! that the task sets stay in its copy. Macros such as `#[tokio::main]` and `tokio::join!` work unchanged.
//!
//! Use [`spawn_detached`] for work that belongs to no request, since a task that inherits keeps the inherited values
//! alive. Below a `use super::*`, as in `mod tests`, import this module again by its name; see the
//! [pitfalls](crate::guide::pitfalls#a-facade-and-use-super).
//!
//! Methods of tokio's own types cannot be replaced: for `Runtime::spawn` and `Handle::spawn`, use those of
//! [`SpawnInheriting`]. Spawns in other crates inherit only with the feature `tokio-hooks`.
//!
//! Functions that poll a future or call a function in place run in the current context and are not replaced:
//! `block_on`, `block_in_place`, `LocalSet::run_until`, `timeout`, `unconstrained`. Nor are functions such as those of
//! `tokio::fs`, which run only tokio's code on the blocking pool.
//!
//! [`task::run_blocking`] runs a function on the blocking pool in the task's own context.
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
//! asyncio does this by itself: every task copies the whole context, whichever library creates it.

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
