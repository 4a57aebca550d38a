// A default in the attribute and another behind the `=`.

use contextvars::context_var;

#[context_var(default = 1)]
static X: i32 = 2;

fn main() {
    let _: i32 = X.get();
}
