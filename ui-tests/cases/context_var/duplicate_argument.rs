// An argument given twice.

use contextvars::context_var;

#[context_var(default = 1, default = 2)]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
