//! Variables that are sent to other processes: their list, and their conversion to headers and back.
//!
//! There are two formats: a header for each variable (`own`), or one for all of them ([`baggage`]). The public modules
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
pub use self::registered::{PropagatedEntry, PropagatedVar};
#[cfg(feature = "headers")]
pub use self::skipped::Skipped;
pub use self::text::Text;
