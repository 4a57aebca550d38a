//! tokio whose tasks inherit context variables, a replacement for tokio:
//!
//! ```toml
//! [dependencies]
//! contextvars = "0.1"
//! tokio = { package = "contextvars-tokio", version = "0.1", features = ["full"] }
//! ```
//!
//! That is all. Everything of tokio is here under its own name, and `tokio::spawn` in the program's sources is now the
//! `spawn` of this package, whose task runs in a copy of the spawner's context (without the variables that are declared
//! with `inherit = false`). In a workspace, put the line under `[workspace.dependencies]`; it applies to every member
//! with `tokio.workspace = true`. If a package also has tokio in its `[dev-dependencies]`, change both lines; Cargo
//! requires that.
//!
//! ```
//! # use contextvars_tokio as tokio; // what the line of `Cargo.toml` does
//! use contextvars::{context_var, with_context};
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
//! # How it differs from tokio
//! It is [`contextvars::tokio`] at the root of a package; that module documents what inherits and what does not. In
//! short:
//!
//! - `spawn`, `task::spawn_blocking`, `task::spawn_local`, `task::JoinSet`, `task::LocalSet` and, with the feature
//!   `tracing` and `--cfg tokio_unstable`, `task::Builder` inherit. All the rest is tokio's own: types, traits, macros.
//! - `JoinSet` and `LocalSet` are different types: for functions of other crates that take or return tokio's, use
//!   `into_inner()` and `from`.
//! - Methods of tokio's own types do not inherit: `Handle::spawn`, `Runtime::spawn` and so on. Use those of
//!   `SpawnInheriting`; with the list `docs/disallowed-methods.toml` of `contextvars`, clippy reports the plain ones.
//! - Spawns of other crates do not inherit, since those depend on tokio itself. With the feature `tokio-hooks` of
//!   `contextvars` they do.
//! - A worker that one request happens to start, for all that follow, now inherits from that request, and no line shows it.
//!   Start it with `tokio::spawn_detached(work)`, a function that tokio has not, or with
//!   `tokio::spawn(work.in_context(Context::new()))`. The other function more is `task::run_blocking`, for a blocking
//!   function that belongs to the task: what it sets comes back.
//! - In a plain task, of another crate say, a `set` that later tasks would see is refused.
//!
//! # Features and versions
//! The features are tokio's, each under its own name. `rt` is always on.
//!
//! The version is that of `contextvars`, and says nothing about tokio's: any tokio from 1.51 on will do, and the
//! program's `Cargo.lock` has one, the same that other crates use. A feature that tokio has had only since a later
//! version needs that version. To ask for one, name tokio under another name: `tokio-itself = { package = "tokio",
//! version = "1.54" }`.
//!
//! # How to go back
//! Put tokio's own line back. If nothing of the differences above is used, the sources compile as they are; tasks then
//! see no variables, or their defaults.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(inline)]
pub use contextvars::tokio::*;
