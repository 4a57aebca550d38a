//! Futures, and whatever else is polled or called later, in a context.

mod in_context;
mod round_trip;
mod scoped;
mod wrapped;

pub use self::in_context::{ContextExt, InContext};
pub use self::round_trip::{Returned, round_trip};
pub use self::scoped::ScopedFuture;
