// A name that no header can have.

use contextvars::context_var;

#[context_var(header = "request id")]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
