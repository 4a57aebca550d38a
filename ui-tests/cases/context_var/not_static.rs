// A type that borrows.

use contextvars::context_var;

#[context_var]
static X: &'a str;

fn main() {}
