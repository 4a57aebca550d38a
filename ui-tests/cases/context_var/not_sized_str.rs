// A `str`, which has no size.

use contextvars::context_var;

#[context_var]
static X: str;

fn main() {}
