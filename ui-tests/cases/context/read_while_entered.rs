// A context looked into while it is entered: inside, `copy_context()` tells.

use contextvars::{Context, context_var};

#[context_var(default = 0)]
static A: i32;

fn main() {
    let mut ctx = Context::new();
    ctx.run(|| ctx.get(&A).copied());
}
