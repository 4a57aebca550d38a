//! The traits of the futures crates, for [`InContext`]: a stream, for example, is polled in its context, too.
//!
//! Each method enters the context as a future's `poll` does. Those that take `&self` run in a copy.

mod future;
mod io;
mod sink;
mod stream;
