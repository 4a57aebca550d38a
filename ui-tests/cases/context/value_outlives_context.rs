// A value kept longer than the context that holds it.

use contextvars::{Context, context_var};

#[context_var(default = 0)]
static A: i32;

fn main() {
    let value = Context::new().with(&A, 1).get(&A);
    println!("{value:?}");
}
