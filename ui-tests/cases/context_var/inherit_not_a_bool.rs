// `inherit` with something else than `true` or `false`.

use contextvars::context_var;

#[context_var(inherit = "no")]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
