//! tokio-util whose tasks inherit context variables, a replacement for tokio-util:
//!
//! ```toml
//! [dependencies]
//! contextvars = "0.1"
//! tokio = { package = "contextvars-tokio", version = "0.1", features = ["full"] }
//! tokio-util = { package = "contextvars-tokio-util", version = "0.1", features = ["full"] }
//! ```
//!
//! That is all. Everything of tokio-util is here under its own name, and tasks that the program spawns through it run
//! in a copy of the spawner's context (without the variables that are declared with `inherit = false`). In a workspace,
//! put the lines under `[workspace.dependencies]`.
//!
//! ```
//! # use contextvars_tokio_util as tokio_util; // what the line of `Cargo.toml` does
//! use contextvars::{context_var, with_context};
//! use tokio_util::task::TaskTracker;
//!
//! #[context_var(default = 0)]
//! static REQUEST_ID: u64;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() {
//!     let tracker = TaskTracker::new();
//!     let task = with_context!(REQUEST_ID = 7, { tracker.spawn(async { REQUEST_ID.get() }) });
//!     assert_eq!(task.await.unwrap(), 7);
//! }
//! ```
//!
//! # How it differs from tokio-util
//! It is [`contextvars::tokio_util`] at the root of a package. `task::TaskTracker`, `task::JoinMap`, `task::JoinQueue`
//! and `task::LocalPoolHandle` inherit, and are different types: for functions of other crates that take or return
//! tokio-util's, use `into_inner()` and `from`. All the rest is tokio-util's own: codecs, `CancellationToken`,
//! `ReusableBoxFuture`, `sync`, `io`, `time`.
//!
//! # Features and versions
//! The features are tokio-util's, each under its own name. `rt` and `join-map` are always on.
//!
//! The version is that of `contextvars`, and says nothing about tokio-util's: any tokio-util 0.7 from 0.7.18 on will
//! do, and the program's `Cargo.lock` has one, the same that other crates use. A feature that tokio-util has had only
//! since a later version needs that version.
//!
//! # How to go back
//! Put tokio-util's own line back. If `into_inner` and `from` are not used, the sources compile as they are; tasks then
//! see no variables, or their defaults.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(inline)]
pub use contextvars::tokio_util::*;
