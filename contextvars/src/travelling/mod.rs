//! Variables that travel to other processes: who they are, and how they become headers and variables again.
//!
//! In a format of its own each: a header for one variable (`own`), or one for all of them ([`baggage`]). The public faces
//! are `integrations::headers` and `integrations::baggage`.

#[cfg(feature = "baggage")]
pub(crate) mod baggage;
#[cfg(feature = "headers")]
mod by_key;
#[cfg(feature = "headers")]
mod carrier;
#[cfg(feature = "headers")]
mod format;
#[cfg(feature = "headers")]
pub(crate) mod own;
mod registered;
#[cfg(feature = "headers")]
mod skipped;
mod text;

#[cfg(feature = "headers")]
pub use self::carrier::{Extractor, Injector};
#[cfg(feature = "headers")]
pub use self::format::Format;
pub use self::registered::{Traveller, Travelling};
#[cfg(feature = "headers")]
pub use self::skipped::Skipped;
pub use self::text::Text;
