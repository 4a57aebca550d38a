// A context entered through a shared reference.

use contextvars::{Context, context_var};

#[context_var(default = 0)]
static A: i32;

fn main() {
    let ctx = Context::new();
    ctx.run(|| A.get());
}
