//! Integrations of other crates, a file or folder for each. No other module names those crates.

#[cfg(feature = "baggage")]
pub mod baggage;
#[cfg(feature = "deadline")]
pub mod deadline;
#[cfg(feature = "futures")]
mod futures;
#[cfg(feature = "headers")]
pub mod headers;
#[cfg(feature = "hyper")]
pub mod hyper;
#[cfg(feature = "log")]
pub mod log;
#[cfg(feature = "rayon")]
pub mod rayon;
#[cfg(feature = "serde")]
mod serde;
#[cfg(feature = "tokio")]
pub mod tokio;
#[cfg(feature = "tokio-util")]
pub mod tokio_util;
#[cfg(feature = "tower")]
pub mod tower;
#[cfg(feature = "tracing")]
pub mod tracing;
