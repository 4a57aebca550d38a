// A generic variable.

use contextvars::context_var;

#[context_var]
static X<T>: Option<T>;

fn main() {}
