//! Futures, and whatever else is polled or called later, in a context.

mod in_context;
mod inheriting;
mod round_trip;

pub use self::in_context::{ContextExt, InContext};
pub(crate) use self::inheriting::inheriting;
pub use self::round_trip::{Returned, round_trip};
