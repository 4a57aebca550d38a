// A header without a name.

use contextvars::context_var;

#[context_var(header = "")]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
