//! The same as Python's own `contextvars`: its tests, and random programs.

mod differential;
mod parity;
