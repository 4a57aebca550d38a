// The header of all variables with `baggage`.

use contextvars::context_var;

#[context_var(header = "baggage")]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
