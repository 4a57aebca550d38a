//! Variables that travel to other processes: who they are, and how they become a header and variables again.
//!
//! `integrations::baggage` is the public face of it.

#[cfg(feature = "baggage")]
mod by_key;
#[cfg(feature = "baggage")]
mod carrier;
#[cfg(feature = "baggage")]
mod list;
#[cfg(feature = "baggage")]
mod member;
#[cfg(feature = "baggage")]
mod percent;
#[cfg(feature = "baggage")]
mod read;
mod registered;
#[cfg(feature = "baggage")]
mod settings;
#[cfg(feature = "baggage")]
mod skipped;
mod text;
#[cfg(feature = "baggage")]
mod write;

#[cfg(feature = "baggage")]
pub(crate) use self::carrier::NAME;
#[cfg(feature = "baggage")]
pub use self::carrier::{Extractor, Injector, extract, inject};
#[cfg(feature = "baggage")]
pub use self::list::{Baggage, Members};
#[cfg(feature = "baggage")]
pub use self::member::Member;
pub use self::registered::{Traveller, Travelling};
#[cfg(feature = "baggage")]
pub use self::settings::Settings;
#[cfg(feature = "baggage")]
pub use self::skipped::Skipped;
pub use self::text::Text;
