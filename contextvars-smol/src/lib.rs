//! smol whose tasks inherit context variables, a replacement for smol:
//!
//! ```toml
//! [dependencies]
//! contextvars = "0.1"
//! smol = { package = "contextvars-smol", version = "0.1" }
//! ```
//!
//! That is all. Everything of smol is here under its own name; only the items that start work are replaced: a task of
//! [`spawn`], of an [`Executor`] or a [`LocalExecutor`], and a function of [`unblock`], run in a copy of the context of
//! their spawner (without the variables that are declared with `inherit = false`; see
//! [`inherit_context`](contextvars::inherit_context)). The values that they set stay in their copy.
//!
//! ```
//! # use contextvars_smol as smol; // what the line of `Cargo.toml` does
//! use contextvars::{context_var, with_context};
//!
//! #[context_var(default = 0)]
//! static REQUEST_ID: u64;
//!
//! fn main() {
//!     smol::block_on(async {
//!         let task = with_context!(REQUEST_ID = 7, { smol::spawn(async { REQUEST_ID.get() }) });
//!         assert_eq!(task.await, 7);
//!     });
//! }
//! ```
//!
//! Functions that poll a future in place run in the current context and are not replaced: [`block_on`],
//! [`Executor::run`], the combinators of [`future`]. Nor are functions such as those of [`fs`], which run only smol's
//! code on the blocking pool. [`Timer`], [`Async`] and [`channel`] start no work.
//!
//! A worker that the first request starts and later ones use should not keep the first request's values: a future that
//! was given a context inherits nothing, as in `smol::spawn(work.in_context(Context::new()))`.
//!
//! # How it differs from smol
//! - `Executor` and `LocalExecutor` are different types: for functions of other crates that take or return smol's, use
//!   `into_inner()` and `from`.
//! - An [`Unblock`] calls its reader, writer or iterator on the blocking pool, in an empty context.
//! - Tasks that other crates spawn on smol's own executors do not inherit. smol has no function that tells whether a
//!   task is running, so a `set` in such a task is not refused, and the next one on that thread sees the value. For
//!   your own threads that only run an executor, call [`mark_as_worker`](contextvars::thread::mark_as_worker), so that
//!   it is refused.
//!
//! # Versions
//! The version is that of `contextvars`, and works with any smol 2: the one in the program's `Cargo.lock`, which other
//! crates use, too.
//!
//! # How to go back
//! Restore smol's own line. If `into_inner` and `from` are not used, the sources compile unchanged; tasks then see no
//! variables, or their defaults.
//!
//! # Python
//! asyncio does this by itself: every task copies the whole context, whichever library creates it.

#![warn(missing_docs)]
#![forbid(unsafe_code)]

mod executor;
mod global;
mod local_executor;

#[doc(no_inline)]
pub use ::smol::*;

pub use self::executor::Executor;
pub use self::global::{spawn, unblock};
pub use self::local_executor::LocalExecutor;
