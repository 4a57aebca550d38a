// `default` alone, with a type that has none.

use contextvars::context_var;

struct Opaque;

#[context_var(default)]
static X: Opaque;

fn main() {}
