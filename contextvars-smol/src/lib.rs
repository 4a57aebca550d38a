//! smol whose tasks inherit context variables, a replacement for smol:
//!
//! ```toml
//! [dependencies]
//! contextvars = "0.1"
//! smol = { package = "contextvars-smol", version = "0.1" }
//! ```
//!
//! That is all. Everything of smol is here under its own name. What starts work is replaced: a task of [`spawn`], of an
//! [`Executor`] or a [`LocalExecutor`], and a function of [`unblock`], run in a copy of the context of their spawner
//! (without the variables that are declared with `inherit = false`; see
//! [`inherit_context`](contextvars::inherit_context)). What they set stays in their copy.
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
//! What polls a future in place needs no replacement, and stays in the context at hand: [`block_on`], [`Executor::run`],
//! the combinators of [`future`]. Nor does what smol runs on the blocking pool for itself, as in [`fs`]. [`Timer`],
//! [`Async`] and [`channel`] start nothing.
//!
//! A worker that one request happens to start, for all that follow, should not keep that request's values: a future that
//! was given a context inherits nothing, as in `smol::spawn(work.in_context(Context::new()))`.
//!
//! # How it differs from smol
//! - `Executor` and `LocalExecutor` are types of their own: where another crate's function takes or returns smol's, there
//!   is `into_inner()` and `from`.
//! - An [`Unblock`] calls its reader, writer or iterator on the blocking pool, in no context.
//! - Tasks that other crates spawn, on smol's own executors, are theirs. smol cannot tell whether it is running a task, so
//!   a `set` in such a task is not refused, and the next one on that thread sees the value. On threads of your own that
//!   only run an executor, [`mark_as_worker`](contextvars::thread::mark_as_worker) has it refused.
//!
//! # Versions
//! The version is that of `contextvars`, and goes with any smol 2: the program's `Cargo.lock` has one, the same that other
//! crates use.
//!
//! # How to go back
//! Put smol's own line back. If `into_inner` and `from` are not used, the sources compile as they are; tasks then see no
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
