// A guard, which resets by itself, handed to `reset`.

use contextvars::context_var;

#[context_var(default = 0)]
static VAR: i32;

fn main() {
    let guard = VAR.set_scoped(1);
    VAR.reset(guard).unwrap();
}
