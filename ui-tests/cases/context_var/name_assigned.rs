// A variable given another name.

use contextvars::context_var;

#[context_var(default = 0)]
static VAR: i32;

fn main() {
    VAR.name() = "OTHER";
}
