//! Jobs, parallel iterators and pools through the facade `contextvars::rayon`.

mod iterators;
mod jobs;
mod prelude;
