//! Tasks, blocking functions and runtimes through the facade `contextvars::tokio`.

mod ends;
mod facade;
mod spawns;
