//! Variables that are declared with one name: in log lines, in headers and in baggage.
//!
//! A process of its own: the names are shared on purpose, and the warnings, once per process, are of all its variables.

mod baggage;
#[path = "../support/capture.rs"]
mod capture;
#[path = "../support/distinct.rs"]
mod distinct;
mod headers;
mod log;
#[path = "../support/process.rs"]
mod process;
