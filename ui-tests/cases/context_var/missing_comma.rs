// Two arguments without a comma.

use contextvars::context_var;

#[context_var(default = 1 redact)]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
