// `log` with something else than a name.

use contextvars::context_var;

#[context_var(log = 1)]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
