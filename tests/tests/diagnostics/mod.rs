//! What errors, panics and the library's own views of contexts tell of variables.

mod introspection;
mod messages;
mod panic_hook;
mod whose_request;
