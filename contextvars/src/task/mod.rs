//! Futures, and whatever else is polled or called later, in a context.

mod in_context;
mod inheriting;

pub use self::in_context::{ContextExt, InContext};
pub(crate) use self::inheriting::inheriting;
