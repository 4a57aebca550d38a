// An unsafe block as the body.

use contextvars::{context_var, with_context};

#[context_var(default = 0)]
static A: i32;
#[context_var(default = 0)]
static B: i32;

fn main() {
    let _: i32 = A.get() + B.get();
    with_context!(A = 1, unsafe { A.get() });
}
