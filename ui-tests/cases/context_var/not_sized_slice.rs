// A slice, which has no size.

use contextvars::context_var;

#[context_var]
static X: [u8];

fn main() {}
