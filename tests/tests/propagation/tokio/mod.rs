//! Tasks, blocking functions and runtimes through the facade `contextvars::tokio`.

mod facade;
mod spawns;
