//! The macros of the `contextvars` crate: `#[context_var]`, `#[test]`, and the part of `with_context!` that rewrites
//! tokens.
//!
//! Use them through `contextvars`, which documents them with examples; the paths in their expansions start there. What
//! is said here stands there as well, below the heading `Arguments`.

#[cfg(test)]
mod any_tokens;
mod context_test;
mod context_var;
mod mistakes;
mod with_context;

use proc_macro::TokenStream;

/// Declares a context variable at module level. All arguments are optional, in any order:
///
/// - `default = EXPR`: the value where none is set; evaluated on first need. `static ANSWER: i32 = EXPR;` says the
///   same. Threads that need it meanwhile wait, as for a `LazyLock`; so two defaults that read each other must not be.
/// - `default`: as the above, with `Default::default()` of the value's type.
/// - `inherit = false`: new tasks and threads start without this variable's value.
/// - `redact`: the value never shows in `Debug` output or log lines.
/// - `log`: the value goes into log lines, under the variable's name; `log = "name"`: under that one. What formats call
///   a part of each line, such as `level`, is refused.
/// - `baggage = "key"`: the value travels to other processes, under that key. Without this it stays in this one. Its type
///   is `Display` and `FromStr`, or a text such as `Arc<str>`, or an `Option` of such a type.
/// - `header = "name"`: the value travels to other processes, in a header of this name, which is a lower-case token.
///   The type is as for `baggage`. Headers about one connection or message, and those with credentials, are refused.
/// - `crate = PATH`: where the `contextvars` crate is found, if not at `::contextvars`.
#[proc_macro_attribute]
pub fn context_var(arguments: TokenStream, item: TokenStream) -> TokenStream {
    context_var::expand(arguments.into(), item.into()).into()
}

/// Makes a test of a function that runs in a fresh context. All arguments are optional, and all but `crate` are about
/// async tests. Without `block_on`, those run on tokio, for which `contextvars` needs its feature `tokio`:
///
/// - `flavor = "multi_thread"`: the runtime, as for `#[tokio::test]`; `"current_thread"` (the default) and `"local"`
///   are the others. `worker_threads = N`: how many threads the first of these has.
/// - `start_paused = true`: begins with the clock paused, as for `#[tokio::test]`.
/// - `block_on = PATH`: runs the test on another executor, whose function that runs a future to its end this is.
/// - `crate = PATH`: where the `contextvars` crate is found, if not at `::contextvars`.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    context_test::expand(arguments.into(), &item.into()).into()
}

/// What `contextvars::with_context!` passes its arguments to, behind the path of its own crate.
#[doc(hidden)]
#[proc_macro]
pub fn __with_context(input: TokenStream) -> TokenStream {
    with_context::expand(input.into()).into()
}
