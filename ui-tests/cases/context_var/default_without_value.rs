// `default =` with nothing behind it.

use contextvars::context_var;

#[context_var(default = )]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
