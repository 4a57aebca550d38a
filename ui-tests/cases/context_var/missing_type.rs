// No type.

use contextvars::context_var;

#[context_var(default = 1)]
static X;

fn main() {
    let _: i32 = X.get();
}
