// `#[context_var]` on a function.

use contextvars::context_var;

#[context_var]
fn x() -> i32 {
    1
}

fn main() {
    let _: i32 = x();
}
