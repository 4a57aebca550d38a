//! rayon whose jobs inherit context variables, in the place of rayon:
//!
//! ```toml
//! [dependencies]
//! contextvars = "0.1"
//! rayon = { package = "contextvars-rayon", version = "0.1" }
//! ```
//!
//! That is all. Everything of rayon is here under its own name, and what the program's sources start through it runs in a
//! copy of the starter's context (without the variables that are declared with `inherit = false`). In a workspace, the
//! line stands under `[workspace.dependencies]`.
//!
//! ```
//! # use contextvars_rayon as rayon; // what the line of `Cargo.toml` does
//! use contextvars::{context_var, with_context};
//!
//! #[context_var(default = 1)]
//! static FACTOR: u32;
//!
//! # fn main() {
//! let halves = with_context!(FACTOR = 10, { rayon::join(|| FACTOR.get() * 2, || FACTOR.get() * 3) });
//! assert_eq!(halves, (20, 30));
//! # }
//! ```
//!
//! # How it differs from rayon
//! It is [`contextvars::rayon`] at the root of a package, and that module says what inherits and what is beyond it.
//! `ThreadPool`, `ThreadPoolBuilder`, `Scope` and `ScopeFifo` are types of their own: where another crate's function takes
//! or returns rayon's pool, there is `into_inner()` and `from`.
//!
//! Parallel iterators that other crates make, and jobs that they start, are theirs: they have a line of their own for
//! rayon.
//!
//! # Features and versions
//! The features are rayon's, each under its own name.
//!
//! The version is that of `contextvars`, and says nothing about rayon's: any rayon from 1.10 on will do, and the
//! program's `Cargo.lock` has one, the same that other crates use, with the same pool.
//!
//! # How to go back
//! Put rayon's own line back. If nothing of the differences above is used, the sources compile as they are; jobs then see
//! no variables, or their defaults.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(inline)]
pub use contextvars::rayon::*;
