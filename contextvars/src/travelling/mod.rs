//! Variables that travel to other processes: who they are, and how they become a header and variables again.
//!
//! `integrations::baggage` is the public face of it.

#[cfg(feature = "baggage")]
mod carrier;
#[cfg(feature = "baggage")]
mod limits;
#[cfg(feature = "baggage")]
mod list;
#[cfg(feature = "baggage")]
mod member;
#[cfg(feature = "baggage")]
mod percent;
mod registered;
#[cfg(feature = "baggage")]
mod skipped;

#[cfg(feature = "baggage")]
pub use self::carrier::{Extractor, Injector, extract, inject};
#[cfg(feature = "baggage")]
pub use self::list::Baggage;
#[cfg(feature = "baggage")]
pub use self::member::Member;
pub use self::registered::Travelling;
#[cfg(feature = "baggage")]
pub use self::skipped::Skipped;
