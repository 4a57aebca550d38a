// A token copied to keep one.

use contextvars::context_var;

#[context_var(default = 0)]
static A: i32;

fn main() {
    let token = A.set(1);
    let copy = token.clone();
    A.reset(copy).unwrap();
}
