// A context made with an argument.

use contextvars::Context;

fn main() {
    let _ = Context::new(1);
}
