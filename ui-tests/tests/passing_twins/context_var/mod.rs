//! The declarations of `cases/context_var`, without the mistake.

mod arguments;
mod places;
mod sent;
mod statics;
mod types;

/// The twins as text.
pub(crate) const TEXT: &str = concat!(
    include_str!("arguments.rs"),
    include_str!("places.rs"),
    include_str!("sent.rs"),
    include_str!("statics.rs"),
    include_str!("types.rs"),
);
