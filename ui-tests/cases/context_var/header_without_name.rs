// `header` without the name of the header.

use contextvars::context_var;

#[context_var(header)]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
