//! Guides: how this crate works, where contexts travel, and what to mind. They hold no code but examples.

#[doc = include_str!("../docs/propagation.md")]
pub mod propagation {}

#[doc = include_str!("../docs/design.md")]
pub mod design {}
