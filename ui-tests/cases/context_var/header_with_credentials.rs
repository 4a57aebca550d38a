// A header that must not be passed on by itself.

use contextvars::context_var;

#[context_var(header = "authorization")]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
