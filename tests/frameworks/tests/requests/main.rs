//! Services and clients.

mod actix_web;
mod async_graphql;
mod axum;
mod hyper;
mod lambda;
mod poem;
mod reqwest;
mod reqwest_middleware;
mod support;
mod tonic;
mod tower;
