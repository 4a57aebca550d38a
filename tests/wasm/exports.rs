//! What a host calls one by one, as a browser does with a library in WebAssembly; `tests/wasm/run.js` is the host.

#![expect(unsafe_code, reason = "a function that a host can call is `no_mangle`, and that is unsafe")]

use contextvars::{context_var, variables, with_context};

#[context_var(default = 1)]
static COUNT: u32;

#[context_var]
static OWNER: String;

/// How many of the two declarations `variables` lists.
#[unsafe(no_mangle)]
extern "C" fn listed() -> usize {
    variables().filter(|variable| ["COUNT", "OWNER"].contains(&variable.name())).count()
}

#[unsafe(no_mangle)]
extern "C" fn count() -> u32 {
    COUNT.get()
}

#[unsafe(no_mangle)]
extern "C" fn count_within_a_scope() -> u32 {
    with_context!(COUNT = 7, { COUNT.get() })
}

#[unsafe(no_mangle)]
extern "C" fn panic_within_a_scope() {
    with_context!(COUNT = 7, { panic!("in a scope where COUNT is {}", COUNT.get()) });
}

#[unsafe(no_mangle)]
extern "C" fn panic_within_a_reader() {
    OWNER.set("ada".to_owned());
    OWNER.with(|owner| panic!("while {owner} is read"));
}

/// The length of the name before and after it is replaced.
#[unsafe(no_mangle)]
extern "C" fn replace_what_is_read() -> usize {
    let before = OWNER.with(|owner| {
        OWNER.set("grace".to_owned());
        owner.len()
    });
    before * 10 + OWNER.with(String::len)
}

fn main() {}
