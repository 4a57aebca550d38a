// Several mistakes, all of which are reported; uses of the variable are not.

use contextvars::context_var;

#[context_var(defualt = 1, inherit = 0, redact, redact)]
static mut X: i32;

fn main() {
    let _: i32 = X.get();
}
