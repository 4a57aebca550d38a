//! Futures, and whatever else is polled, in a context.

mod in_context;

pub use self::in_context::{ContextExt, InContext};
