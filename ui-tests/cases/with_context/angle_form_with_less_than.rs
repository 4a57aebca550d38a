// A comparison with `<` in the angle-bracket spelling.

use contextvars::{context_var, with_context};

#[context_var(default = 0)]
static A: i32;
#[context_var(default = 0)]
static B: i32;

#[context_var(default = false)]
static FLAG: bool;

fn main() {
    let _: i32 = A.get() + B.get();
    with_context!(<A = i32::from(1 < 2)> { A.get() });
    with_context!(<FLAG = 1 < 2> { FLAG.get() });
}
