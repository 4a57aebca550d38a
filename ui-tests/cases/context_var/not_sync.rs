// A type that is not for sharing.

use contextvars::context_var;

struct Unshared(*const u8);

struct Holder {
    unshared: Unshared,
}

// SAFETY: never dereferenced.
unsafe impl Send for Unshared {}

#[context_var]
static X: Holder;

fn main() {}
