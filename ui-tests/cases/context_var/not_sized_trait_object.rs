// A trait object, which has no size.

use contextvars::context_var;

trait Service: Send + Sync {}

#[context_var]
static X: dyn Service;

fn main() {}
