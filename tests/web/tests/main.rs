//! What the crate promises to web servers and clients, but for what needs a process of its own.

mod headers;
mod layers;
mod support;
