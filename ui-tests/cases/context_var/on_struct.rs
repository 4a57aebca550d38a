// `#[context_var]` on a struct.

use contextvars::context_var;

#[context_var]
struct X {
    value: i32,
}

fn main() {
    let _: i32 = X { value: 1 }.value;
}
