//! Guides: how contexts propagate, pitfalls, costs, and how this crate works. They contain no code but examples.

// Its examples need the feature `baggage`.
#[cfg_attr(any(not(doctest), feature = "baggage"), doc = include_str!("../docs/propagation.md"))]
pub mod propagation {}

#[doc = include_str!("../docs/python.md")]
pub mod python {}

// The examples of these two need tokio.
#[cfg_attr(any(not(doctest), feature = "tokio"), doc = include_str!("../docs/migrating.md"))]
pub mod migrating {}

#[cfg_attr(any(not(doctest), feature = "tokio"), doc = include_str!("../docs/pitfalls.md"))]
pub mod pitfalls {}

#[doc = include_str!("../docs/errors.md")]
pub mod errors {}

// Its snippets need the frameworks, so they are run by the package in `tests/frameworks`.
#[cfg_attr(not(doctest), doc = include_str!("../docs/frameworks.md"))]
pub mod frameworks {}

#[doc = include_str!("../docs/integrations.md")]
pub mod integrations {}

#[doc = include_str!("../docs/performance.md")]
pub mod performance {}

#[doc = include_str!("../docs/safety.md")]
pub mod safety {}

#[doc = include_str!("../docs/design.md")]
pub mod design {}
