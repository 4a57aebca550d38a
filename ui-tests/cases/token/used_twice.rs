// A token used twice.

use contextvars::context_var;

#[context_var(default = 0)]
static A: i32;

fn main() {
    let token = A.set(1);
    A.reset(token).unwrap();
    A.reset(token).unwrap();
}
