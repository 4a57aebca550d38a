// A header that is about one message.

use contextvars::context_var;

#[context_var(header = "content-type")]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
