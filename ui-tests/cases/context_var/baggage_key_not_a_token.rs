// A key of `baggage` that cannot stand in a header.

use contextvars::context_var;

#[context_var(baggage = "request id")]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
