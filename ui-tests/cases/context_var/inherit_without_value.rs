// `inherit` alone, which could mean either.

use contextvars::context_var;

#[context_var(inherit)]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
