//! Futures, and everything else that is polled or called later, in a context.

mod in_context;
mod inheriting;
mod round_trip;
mod scoped;
mod wrapped;

pub use self::in_context::{ContextExt, InContext};
#[cfg(feature = "tokio-util")]
pub(crate) use self::inheriting::around_its_own;
#[cfg(any(feature = "hyper", feature = "tokio"))]
pub(crate) use self::inheriting::inheriting;
pub use self::round_trip::{Returned, round_trip};
pub use self::scoped::ScopedFuture;
