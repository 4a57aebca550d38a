// A name or a number where the variable itself is meant.

use contextvars::{context_var, copy_context};

#[context_var(default = 0)]
static VAR: i32;

fn main() {
    let _ = VAR.name();
    let _ = copy_context().get("VAR");
    let _ = copy_context().contains(&1);
    let _ = copy_context()[1];
}
