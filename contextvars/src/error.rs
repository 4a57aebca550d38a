//! What can go wrong in a read, a set or an enter; each error names the variable and says what to write instead.

use std::error::Error;
use std::fmt;

use crate::variable::Variable;

/// A read found no value: the variable is not set in the current context and its declaration has no default.
///
/// # Examples
///
/// ```
/// # fn main() {
/// let error = USER.try_get().unwrap_err();
/// assert_eq!(error.variable().name(), "USER");
/// assert!(error.to_string().contains("no value for context variable `USER`"));
/// # }
/// #[contextvars::context_var]
/// static USER: String;
/// ```
///
/// # Python
/// `LookupError`.
#[derive(Clone, Copy)]
pub struct LookupError {
    variable: &'static Variable,
}

impl LookupError {
    pub(crate) fn new(variable: &'static Variable) -> Self {
        Self { variable }
    }

    /// Returns the variable that was read.
    #[must_use]
    pub fn variable(&self) -> &'static Variable {
        self.variable
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.variable.name();
        write!(
            f,
            "no value for {}: set it first, with `{name}.set(..)` or `with_context!({name} = .., {{ .. }})`, \
             or declare a default, or read it with `{name}.try_get()` or `{name}.get_or(..)`; if it is set where this work \
             was started, start it through `contextvars::tokio`, `contextvars::thread` or `contextvars::rayon`: a plain \
             spawn inherits nothing",
            self.variable.described()
        )
    }
}

impl fmt::Debug for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LookupError").field(&format_args!("{self}")).finish()
    }
}

impl Error for LookupError {}

/// A `set` was refused, because the value would have been seen by unrelated work; it hands the value back.
///
/// With the `tokio` feature, a spawned task that has no context of its own shares its thread's base context with
/// every later task there.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")]
/// # mod demo {
/// use contextvars::{context_var, with_context};
///
/// #[context_var]
/// static USER: String;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # pub(crate) async fn main() {
/// let plain = tokio::spawn(async {
///     let error = USER.try_set("ada".to_owned()).unwrap_err();
///     assert_eq!(error.variable().name(), "USER");
///     // The value is not lost; a scope has a place for it.
///     with_context!(USER = error.into_value(), { USER.get() })
/// });
/// assert_eq!(plain.await.unwrap(), "ada");
/// # }
/// # }
/// # fn main() { #[cfg(feature = "tokio")] demo::main() }
/// ```
///
/// # Python
/// Has no counterpart: a task has a context there, always.
pub struct SetError<T> {
    variable: &'static Variable,
    value: T,
}

impl<T> SetError<T> {
    pub(crate) fn new(variable: &'static Variable, value: T) -> Self {
        Self { variable, value }
    }

    /// Returns the variable that was to be set.
    #[must_use]
    pub fn variable(&self) -> &'static Variable {
        self.variable
    }

    /// Takes back the value that was not set.
    #[must_use]
    pub fn into_value(self) -> T {
        self.value
    }
}

impl<T> fmt::Display for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.variable.name();
        write!(
            f,
            "cannot set {} in a spawned task or blocking function that has no context of its own: every later one on \
             this thread would see the value; spawn it with `contextvars::tokio::spawn` (or `use contextvars::tokio;`), \
             give it a context with `.in_current_context()`, a request with `contextvars::tower::ContextLayer`, or scope \
             the value with `with_context!({name} = .., {{ .. }})`",
            self.variable.described()
        )
    }
}

impl<T> fmt::Debug for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SetError").field(&format_args!("{self}")).finish()
    }
}

impl<T> Error for SetError<T> {}

/// A [`SharedContext`](crate::SharedContext) is entered already, on this thread or another.
///
/// # Examples
///
/// ```
/// # use contextvars::SharedContext;
/// let shared = SharedContext::new();
/// let again = shared.run(|| shared.run(|| ())).unwrap();
/// assert!(again.unwrap_err().to_string().contains("already entered"));
/// ```
///
/// # Python
/// `RuntimeError: cannot enter context: … is already entered`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EnterError {
    _private: (),
}

impl EnterError {
    pub(crate) fn new() -> Self {
        Self { _private: () }
    }
}

impl fmt::Display for EnterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "cannot enter the context: it is already entered, by a caller of this code or by another thread; run in \
             a copy taken beforehand (`Context::clone`), or wait until the other `run` has returned",
        )
    }
}

impl fmt::Debug for EnterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EnterError").field(&format_args!("{self}")).finish()
    }
}

impl Error for EnterError {}
