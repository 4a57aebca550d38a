// Python's way to make a variable: `ContextVar("name")`.

use contextvars::ContextVar;

static REQUEST_ID: ContextVar<u64> = ContextVar::new("REQUEST_ID");

fn main() {
    REQUEST_ID.set(7);
}
