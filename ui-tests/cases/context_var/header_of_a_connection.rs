// A header that is about one connection.

use contextvars::context_var;

#[context_var(header = "transfer-encoding")]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
