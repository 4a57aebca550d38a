//! A few operations in functions of their own, to be built into a program and into a dynamic library; `count.sh` does
//! so.

use std::hint::black_box;

use contextvars::{Context, context_var, copy_context, with_context};

#[context_var]
static NUMBER: i32;

#[inline(never)]
fn nothing() -> i32 {
    1
}

#[inline(never)]
fn get() -> i32 {
    NUMBER.get()
}

#[inline(never)]
fn set_and_reset() -> bool {
    NUMBER.reset(NUMBER.set(2)).is_ok()
}

#[inline(never)]
fn copy() -> Context {
    copy_context()
}

#[inline(never)]
fn scope() {
    with_context!(NUMBER = 3, { black_box(()) });
}

/// Performs each of them.
pub fn perform() {
    Context::new().with(&NUMBER, 1).run(|| {
        count("a function that does nothing", nothing);
        count("get", get);
        count("set + reset", set_and_reset);
        count("copy_context", copy);
        count("with_context!", scope);
    });
}

fn count<R>(name: &str, operation: fn() -> R) {
    println!("{name}");
    black_box(operation());
    counting_begins_here(operation);
    counting_ends_here();
}

#[inline(never)]
fn counting_begins_here<R>(operation: fn() -> R) {
    for _ in 0..4096 {
        black_box(operation());
    }
}

#[inline(never)]
fn counting_ends_here() {
    black_box(());
}
