//! rayon whose jobs inherit context variables, a replacement for rayon:
//!
//! ```toml
//! [dependencies]
//! contextvars = "0.1"
//! rayon = { package = "contextvars-rayon", version = "0.1" }
//! ```
//!
//! That is all. Everything of rayon is here under its own name, and jobs that the program starts through it run in a
//! copy of the spawner's context (without the variables that are declared with `inherit = false`). In a workspace, put
//! the line under `[workspace.dependencies]`.
//!
//! ```
//! # use contextvars_rayon as rayon; // what the line of `Cargo.toml` does
//! use contextvars::{context_var, with_context};
//!
//! #[context_var(default = 1)]
//! static FACTOR: u32;
//!
//! # fn main() {
//! with_context!(FACTOR = 10, {
//!     use rayon::prelude::*;
//!
//!     assert_eq!(rayon::join(|| FACTOR.get() * 2, || FACTOR.get() * 3), (20, 30));
//!     let scaled: Vec<_> = [1, 2].par_iter().map(|n| n * FACTOR.get()).collect();
//!     assert_eq!(scaled, [10, 20]);
//! });
//! # }
//! ```
//!
//! # How it differs from rayon
//! It is [`contextvars::rayon`] at the root of a package, and that module documents what inherits and what does not.
//! `ThreadPool`, `ThreadPoolBuilder`, `Scope` and `ScopeFifo` are different types: for functions of other crates that
//! take or return rayon's pool, use `into_inner()` and `from`.
//!
//! Jobs that other crates start do not inherit, since those depend on rayon itself.
//!
//! A type of yours that implements `IntoParallelIterator` implements rayon's own, with rayon's own types, for which
//! rayon has to be there under another name (`rayon-itself = { package = "rayon", version = "1.10" }`). The methods of
//! this package then are there for it as well:
//!
//! ```
//! # use contextvars_rayon as rayon; // what the lines of `Cargo.toml` do
//! # use ::rayon as rayon_itself;
//! use rayon::prelude::*;
//!
//! struct Orders(Vec<u32>);
//!
//! impl rayon_itself::iter::IntoParallelIterator for Orders {
//!     type Item = u32;
//!     type Iter = rayon_itself::vec::IntoIter<u32>;
//!
//!     fn into_par_iter(self) -> Self::Iter {
//!         rayon_itself::iter::IntoParallelIterator::into_par_iter(self.0)
//!     }
//! }
//!
//! assert_eq!(Orders(vec![1, 2]).into_par_iter().map(|n| n * 10).sum::<u32>(), 30);
//! ```
//!
//! # Features and versions
//! The features are rayon's, each under its own name.
//!
//! The version is that of `contextvars`, and says nothing about rayon's: any rayon from 1.10 on will do, and the
//! program's `Cargo.lock` has one, the same that other crates use, with the same pool.
//!
//! # How to go back
//! Put rayon's own line back. If nothing of the differences above is used, the sources compile as they are; jobs then
//! see no variables, or their defaults.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(inline)]
pub use contextvars::rayon::*;
