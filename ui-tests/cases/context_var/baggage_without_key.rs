// `baggage` without the name under which the value travels.

use contextvars::context_var;

#[context_var(baggage)]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
