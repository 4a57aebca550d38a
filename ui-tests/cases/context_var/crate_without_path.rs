// `crate` without the path of a crate.

use contextvars::context_var;

#[context_var(crate)]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
