// A default of another type.

use contextvars::context_var;

#[context_var(default = "five")]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
