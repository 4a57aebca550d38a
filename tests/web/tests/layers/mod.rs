//! `ContextLayer` and its like around services of each framework, on real sockets.

mod any_request;
mod axum;
mod hyper;
mod tonic;
mod tower;
