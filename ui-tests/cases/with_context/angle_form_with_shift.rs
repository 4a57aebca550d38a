// A shift in the angle-bracket spelling.

use contextvars::{context_var, with_context};

#[context_var(default = 0)]
static A: i32;
#[context_var(default = 0)]
static B: i32;

fn main() {
    let _: i32 = A.get() + B.get();
    with_context!(<A = 8 >> 2> { A.get() });
}
