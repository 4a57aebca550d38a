// An initialiser of another type.

use contextvars::context_var;

#[context_var]
static X: i32 = "five";

fn main() {
    let _: i32 = X.get();
}
