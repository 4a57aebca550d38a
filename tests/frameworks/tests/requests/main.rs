//! Services and clients.

mod actix_web;
mod axum;
mod support;
mod tonic;
