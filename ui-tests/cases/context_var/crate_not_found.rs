// `crate` with a path that leads nowhere.

use contextvars::context_var;

#[context_var(crate = ::elsewhere)]
static X: i32;

fn main() {}
