// An argument that resembles none.

use contextvars::context_var;

#[context_var(lifetime = 1)]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
