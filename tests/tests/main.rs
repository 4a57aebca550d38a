//! What the crate promises, but for the few promises that need a process of their own, which are the programs beside
//! this one.

mod core;
mod diagnostics;
mod facades;
mod headers;
mod logging;
mod oracle;
mod project;
mod propagation;
mod python;
mod support;
mod tasks;
