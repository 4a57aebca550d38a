// A run of nothing.

use contextvars::Context;

fn main() {
    Context::new().run();
}
