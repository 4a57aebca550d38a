// A value that is hidden and sent away.

use contextvars::context_var;

#[context_var(header = "x-key", redact)]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
