// A type that is to be inferred.

use contextvars::context_var;

#[context_var(default = 1)]
static X: _;

fn main() {
    let _: i32 = X.get();
}
