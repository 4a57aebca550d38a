//! Services and clients.

mod axum;
mod support;
