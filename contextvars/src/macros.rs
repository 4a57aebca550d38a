//! [`with_context!`](crate::with_context), which calls the procedural macro that does the work.

/// Runs a block of code in a copy of the current context with some variables set.
///
/// The values that the body sets stay in that copy; nothing has to be undone. The bound values live until the body
/// ends. They are evaluated from left to right, in the outer context, before the body. The body is a block, in which
/// `?`, `return`, `break` and `continue` work as in any other, or an `async` block: then the result is a future that
/// enters the context on every poll.
///
/// Costs about 8 ns for the first binding and 5 ns for each further one in a context of up to 16 variables, and about 4
/// ns more in one of 1,000. If no context is entered, about 30 to 80 ns. If the body itself sets variables, a copy of a
/// part of the context.
///
/// # Examples
///
/// ```
/// use contextvars::{context_var, with_context};
///
/// #[context_var(default = 0)]
/// static REQUEST_ID: u64;
/// #[context_var]
/// static USER: String;
///
/// # fn main() {
/// # fn block_on<F: Future>(future: F) -> F::Output { pollster::block_on(future) }
/// // A future: the context is current during each poll.
/// let id = with_context!(REQUEST_ID = 8, async move { REQUEST_ID.get() });
/// assert_eq!(block_on(id), 8);
///
/// // A block: the context is current until its end.
/// let line = with_context!(REQUEST_ID = 7, USER = "ada".to_owned(), {
///     format!("{}: {}", REQUEST_ID.get(), USER.get())
/// });
/// assert_eq!(line, "7: ada");
///
/// // The same, in the angle-bracket spelling.
/// assert_eq!(with_context!(<REQUEST_ID = 9> { REQUEST_ID.get() }), 9);
/// # }
/// ```
///
/// # Asynchronous code
/// An `async fn` that a plain block calls without awaiting runs after the scope has ended: write
/// `with_context!(VAR = .., async move { work().await })`, not `with_context!(VAR = .., { work() })`.
///
/// An `.await` in a body that is a plain block does not compile: write `async { .. }` or `async move { .. }`. If
/// another macro hides the `.await` from this one, the future is at least not `Send`, and clippy's
/// `await_holding_invalid_type` reports it, with this `clippy.toml`:
///
/// ```toml
/// await-holding-invalid-types = [
///     { path = "contextvars::Scope", reason = "write `with_context!(.., async move { .. })`" },
///     { path = "contextvars::SetGuard", reason = "write `with_context!(.., async move { .. })`" },
/// ]
/// ```
///
/// # Panics
/// If the body panics. Also at the end of the body, if a hidden `.await` has suspended it and another context is
/// current by then.
///
/// # Python
/// `copy_context().run(..)` around a few `var.set(..)`.
#[macro_export]
#[doc(alias("scope", "sync_scope"))]
macro_rules! with_context {
    ($($tokens:tt)*) => {
        $crate::__private::__with_context! { ($crate) $($tokens)* }
    };
}
