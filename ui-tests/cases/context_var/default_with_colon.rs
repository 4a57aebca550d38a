// A default written with `:`.

use contextvars::context_var;

#[context_var(default: 1)]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
