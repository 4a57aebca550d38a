//! The macros of the `contextvars` crate: `#[context_var]`, `#[test]`, and the part of `with_context!` that rewrites
//! tokens.
//!
//! Use them through `contextvars`, which documents them with examples; the paths in their expansions start there. The
//! text here is also shown there, below the heading `Arguments`.

#[cfg(test)]
mod any_tokens;
mod context_test;
mod context_var;
mod mistakes;
mod with_context;

use proc_macro::TokenStream;

/// Declares a context variable at module level. All arguments are optional, in any order:
///
/// - `default = EXPR`: the value if none is set, evaluated on first need. `static ANSWER: i32 = EXPR;` is equivalent.
///   Threads that need it meanwhile wait, as for a `LazyLock`; so two defaults must not read each other.
/// - `default`: the same, with `Default::default()` of the value's type.
/// - `inherit = false`: new tasks and threads start without this variable's value.
/// - `redact`: the value never shows in `Debug` output or log lines.
/// - `log`: the value goes into log lines, under the variable's name, or with `log = "name"` under that name. Names
///   that formats use for parts of a line, such as `level`, are refused.
/// - `baggage = "key"`: the value is sent to other processes in baggage, under that key. The type must be `Display` and
///   `FromStr`, or a text such as `Arc<str>`, or an `Option` of such a type.
/// - `header = "name"`: the value is sent to other processes in a header of this name, which is a lower-case token. The
///   type is as for `baggage`. Headers that describe one connection or message, and those with credentials, are
///   refused. A value without `baggage` and `header` stays in this process.
/// - `crate = PATH`: the path of the `contextvars` crate, if not `::contextvars`.
#[proc_macro_attribute]
pub fn context_var(arguments: TokenStream, item: TokenStream) -> TokenStream {
    context_var::expand(arguments.into(), item.into()).into()
}

/// Marks a function as a test that runs in a fresh context. All arguments are optional, and all but `crate` apply to
/// async tests. Without `block_on`, those run on tokio, for which `contextvars` needs its feature `tokio`:
///
/// - `flavor = "multi_thread"`: the runtime, as for `#[tokio::test]`; `"current_thread"` (the default) and `"local"`
///   are the others. `worker_threads = N`: the number of threads of the multi-threaded runtime.
/// - `start_paused = true`: begins with the clock paused, as for `#[tokio::test]`.
/// - `block_on = PATH`: runs the test on another executor, with its function that runs a future to completion.
/// - `crate = PATH`: the path of the `contextvars` crate, if not `::contextvars`.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    context_test::expand(arguments.into(), &item.into()).into()
}

/// Called by `contextvars::with_context!` with the path of its crate, followed by the arguments.
#[doc(hidden)]
#[proc_macro]
pub fn __with_context(input: TokenStream) -> TokenStream {
    with_context::expand(input.into()).into()
}
