// A type that does not exist.

use contextvars::context_var;

#[context_var]
static X: Missing;

fn main() {}
