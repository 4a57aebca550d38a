//! Code that starts work in every way there is. A line that the list must report ends in `// plain`; all others must
//! pass. It is for clippy to read, and never runs.

pub mod inheriting;
pub mod plain;
pub mod renamed;
