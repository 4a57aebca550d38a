//! Declares a variable with a default: what `get` returns where nothing is set.
//!
//! Run it with `cargo run --example default_value`.

use contextvars::context_var;

#[context_var(default = 42)]
static VAR: i32;

fn main() {
    println!("{} = {}", VAR.name(), VAR.get());
    VAR.set(43);
    println!("{} = {}", VAR.name(), VAR.get());
}
