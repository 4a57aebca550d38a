//! What the measurements share: the variables that they set and read, futures that they poll, the library's own map,
//! baggage.

pub mod baggage;
pub mod exported;
pub mod map;
pub mod polling;
pub mod variables;
