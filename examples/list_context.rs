//! Prints every variable that is set in the current context, with its value.
//!
//! Run it with `cargo run --example list_context`.

use contextvars::{context_var, copy_context};

#[context_var]
static USER: String;

#[context_var]
static PORT: u16;

#[context_var(redact)]
static PASSWORD: String;

fn main() {
    USER.set("ada".to_owned());
    PORT.set(8081);
    PASSWORD.set("difference engine".to_owned());

    let ctx = copy_context();
    for (variable, value) in ctx.items() {
        println!("{} = {value:?}", variable.name());
    }
    println!("{ctx:?}");
}
