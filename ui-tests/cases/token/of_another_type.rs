// A token of a variable of another type.

use contextvars::context_var;

#[context_var(default = 0)]
static A: i32;

#[context_var(default = "")]
static NAME: &str;

fn main() {
    let token = NAME.set("x");
    A.reset(token).unwrap();
}
