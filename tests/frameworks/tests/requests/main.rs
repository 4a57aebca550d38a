//! Services and clients.

mod actix_web;
mod axum;
mod hyper;
mod poem;
mod support;
mod tonic;
