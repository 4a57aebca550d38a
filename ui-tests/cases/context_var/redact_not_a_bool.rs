// `redact` with something else than `true` or `false`.

use contextvars::context_var;

#[context_var(redact = 1)]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
