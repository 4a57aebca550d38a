// `#[context_var]` twice on one static.

use contextvars::context_var;

#[context_var(default = 1)]
#[context_var]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
