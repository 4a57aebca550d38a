// `crate` with a string, as serde wants it.

use contextvars::context_var;

#[context_var(crate = "contextvars")]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
