// `#[context_var]` on a local variable.

use contextvars::context_var;

fn main() {
    #[context_var]
    let _x: i32 = 1;
}
