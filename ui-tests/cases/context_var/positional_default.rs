// A default without its name.

use contextvars::context_var;

#[context_var(42)]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
