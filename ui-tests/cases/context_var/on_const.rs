// `#[context_var]` on a constant.

use contextvars::context_var;

#[context_var]
const X: i32 = 1;

fn main() {
    let _: i32 = X.get();
}
