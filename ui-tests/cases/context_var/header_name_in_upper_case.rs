// Names of headers are in lower case, as HTTP/2 has them.

use contextvars::context_var;

#[context_var(header = "X-Request-Id")]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
