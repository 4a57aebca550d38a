//! What the benchmarks share: the variables that they set and read.

pub mod variables;
