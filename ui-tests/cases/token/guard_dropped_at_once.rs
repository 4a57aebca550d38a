// A guard that nothing holds.

#![deny(unused_must_use)]

use contextvars::context_var;

#[context_var(default = 0)]
static A: i32;

fn main() {
    A.set_scoped(1);
}
