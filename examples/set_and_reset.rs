//! Sets a variable and puts it back with the token that `set` returned.
//!
//! Run it with `cargo run --example set_and_reset`.

use contextvars::context_var;

#[context_var]
static VAR: &'static str;

fn main() {
    let token = VAR.set("new value");
    // Code that uses `VAR`; `VAR.get()` returns "new value".
    println!("set: {}", VAR.get());
    VAR.reset(token).expect("the token is of this variable and this context");

    // After the reset the variable has no value again, so `VAR.get()` would panic.
    match VAR.try_get() {
        Ok(value) => println!("still set: {value}"),
        Err(error) => println!("reset: {error}"),
    }
}
