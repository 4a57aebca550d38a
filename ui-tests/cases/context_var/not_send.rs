// A type that is bound to its thread.

use contextvars::context_var;

struct Local(*const u8);

struct Holder {
    local: Local,
}

// SAFETY: never shared.
unsafe impl Sync for Local {}

#[context_var]
static X: Holder;

fn main() {}
