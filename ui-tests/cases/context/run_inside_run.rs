// A context entered while it is entered.

use contextvars::{context_var, copy_context};

#[context_var(default = 0)]
static A: i32;

fn main() {
    let mut ctx = copy_context();
    ctx.run(|| ctx.run(|| A.get()));
}
