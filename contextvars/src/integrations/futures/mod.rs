//! The traits of the futures family, for whatever has a context: a stream, say, is polled in its context too.
//!
//! Each method enters the context as a future's `poll` does. Those that take `&self` only look, and run in a copy.

mod future;
mod io;
mod sink;
mod stream;
