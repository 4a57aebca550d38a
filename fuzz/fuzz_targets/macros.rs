//! Whatever tokens stand where a macro is called: it says what is wrong with them, or writes its expansion, and does not
//! panic.
//!
//! The macros' sources are compiled in here, since a macro can be called by the compiler alone. Half of the input stands
//! for the arguments, half for the item or the call.

#![no_main]

#[path = "../../contextvars-macros/src/any_tokens/mod.rs"]
mod any_tokens;
#[path = "../../contextvars-macros/src/context_test/mod.rs"]
mod context_test;
#[path = "../../contextvars-macros/src/context_var/mod.rs"]
mod context_var;
#[path = "../../contextvars-macros/src/mistakes.rs"]
mod mistakes;
#[path = "../../contextvars-macros/src/with_context/mod.rs"]
mod with_context;

use libfuzzer_sys::fuzz_target;
use quote::quote;

fuzz_target!(|input: (&[u8], &[u8])| {
    let (first, second) = (any_tokens::tokens(input.0), any_tokens::tokens(input.1));
    context_var::expand(first.clone(), second.clone());
    context_test::expand(first.clone(), &second);
    with_context::expand(quote!((::contextvars) #first));
    with_context::expand(quote!((#first) #second));
});
