//! Runs a function in a copy of the context: what it sets stays there.
//!
//! Run it with `cargo run --example run_in_context`.

use contextvars::{context_var, copy_context};

#[context_var]
static VAR: &'static str;

fn change() {
    // VAR was set to "spam" before the context was copied.
    println!("inside, before: {}", VAR.get());
    VAR.set("ham");
    println!("inside, after: {}", VAR.get());
}

fn main() {
    VAR.set("spam");
    let mut ctx = copy_context();

    // What `change` sets is contained in `ctx`.
    ctx.run(change);

    println!("in the context: {}", ctx[&VAR]);
    println!("outside: {}", VAR.get());
}
