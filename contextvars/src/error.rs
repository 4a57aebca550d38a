//! The errors of reading, setting and entering. Each names the variable and says what to write instead.

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
/// The text depends on whether the variable was ever set in this process, so a test that compares all of it depends on
/// other tests; compare a part, or [`variable`](Self::variable).
///
/// # Python
/// `LookupError`.
#[derive(Clone, Copy)]
pub struct LookupError {
    variable: &'static Variable,
    kind: LookupErrorKind,
}

#[derive(Clone, Copy)]
enum LookupErrorKind {
    /// It was never set in this process.
    NeverSet,
    /// It is or was set in another context.
    NotSetHere,
    /// Its default is being evaluated and reads it.
    DefaultReadsItself,
}

/// The modules whose threads and tasks inherit, of those whose features are enabled.
const FACADES: &str = match (cfg!(feature = "tokio"), cfg!(feature = "rayon")) {
    (true, true) => "`contextvars::tokio` (or `rayon`, `thread`)",
    (true, false) => "`contextvars::tokio` (or `thread`)",
    (false, true) => "`contextvars::rayon` (or `thread`)",
    (false, false) => "`contextvars::thread`",
};

impl LookupError {
    /// For a variable without a default; `was_set` says whether it was ever set, in any context.
    pub(crate) fn no_value(variable: &'static Variable, was_set: bool) -> Self {
        let kind = if was_set { LookupErrorKind::NotSetHere } else { LookupErrorKind::NeverSet };
        Self { variable, kind }
    }

    pub(crate) fn default_reads_itself(variable: &'static Variable) -> Self {
        Self { variable, kind: LookupErrorKind::DefaultReadsItself }
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
        let described = self.variable.described();
        match self.kind {
            LookupErrorKind::NeverSet => {
                write!(
                    f,
                    "no value for {described}: nothing has set it\n\
                     help: set it with `{name}.set(..)` or `with_context!({name} = .., async move {{ .. }})`, or declare \
                     a `default`\nhelp: ",
                )?;
                match self.variable.received_in() {
                    Some(header) => write_header_help(f, &header),
                    None => {
                        write!(f, "where it may be unset, read it with `{name}.try_get()` or `{name}.get_or(..)`")
                    }
                }
            }
            LookupErrorKind::NotSetHere => {
                write!(
                    f,
                    "no value for {described} here: it was set in another context, or in a scope that has ended\nhelp: ",
                )?;
                let scope = format!("`with_context!({name} = .., async move {{ work().await }})`");
                match self.variable.received_in() {
                    Some(header) => {
                        write_header_help(f, &header)?;
                        write!(f, "\nhelp: a scope around async code is {scope}; spawns that inherit are in {FACADES}")
                    }
                    None => write!(
                        f,
                        "a scope around async code is {scope}\n\
                         help: if the parent task set it, spawn through {FACADES}: a plain spawn does not inherit"
                    ),
                }
            }
            LookupErrorKind::DefaultReadsItself => write!(
                f,
                "the default of {described} reads the variable itself: write a default that does not depend on \
                 `{name}`",
            ),
        }
    }
}

/// The help for a variable whose value usually comes with a request.
fn write_header_help(f: &mut fmt::Formatter<'_>, (header, layer): &(String, &str)) -> fmt::Result {
    write!(
        f,
        "the request had no {header}, or this runs outside of the `{layer}` (for a streamed body, put a `ContextLayer` \
         inside of that)"
    )
}

impl fmt::Debug for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LookupError").field(&format_args!("{self}")).finish()
    }
}

impl Error for LookupError {}

/// A `set` was refused because unrelated work would have seen the value; the error contains the value.
///
/// Work without a context of its own shares its thread's base context with all later work on that thread: a plain task
/// or blocking function of tokio (feature `tokio`), a plain job of rayon (feature `rayon`), and any work on a thread
/// that is [marked](crate::thread::mark_as_worker) as a worker.
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
///     // The value is not lost: a scope takes it.
///     with_context!(USER = error.into_value(), { USER.get() })
/// });
/// assert_eq!(plain.await.unwrap(), "ada");
/// # }
/// # }
/// # fn main() { #[cfg(feature = "tokio")] demo::main() }
/// ```
pub struct SetError<T> {
    variable: &'static Variable,
    value: T,
}

impl<T> SetError<T> {
    pub(crate) fn new(variable: &'static Variable, value: T) -> Self {
        Self { variable, value }
    }

    /// Returns the variable that could not be set.
    #[must_use]
    pub fn variable(&self) -> &'static Variable {
        self.variable
    }

    /// Returns the value that was not set.
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
            "cannot set {} in work that has no context of its own: later work on this thread would see the value\n\
             help: scope the value with `with_context!({name} = .., async move {{ .. }})`, or `{{ .. }}` without `.await`\n\
             help: or give the work a context: {WAYS}",
            self.variable.described()
        )
    }
}

/// How to give work a context, by the features that are enabled.
const WAYS: &str = match (cfg!(feature = "tokio"), cfg!(feature = "rayon"), cfg!(feature = "tower")) {
    (true, true, true) => {
        "`contextvars::tokio::spawn`, `contextvars::rayon`, `inherit_context().wrap_once(job)`, \
         `.in_current_context()`, or a `contextvars::tower::ContextLayer` outside of the layer that sets (with \
         `Router::layer`: after it)"
    }
    (true, false, true) => {
        "`contextvars::tokio::spawn`, `inherit_context().wrap_once(job)`, `.in_current_context()`, or a \
         `contextvars::tower::ContextLayer` outside of the layer that sets (with `Router::layer`: after it)"
    }
    (false, _, true) => {
        "`inherit_context().wrap_once(job)`, `.in_current_context()`, or a `contextvars::tower::ContextLayer` outside of \
         the layer that sets (with `Router::layer`: after it)"
    }
    (true, true, false) => {
        "`contextvars::tokio::spawn`, `contextvars::rayon`, `inherit_context().wrap_once(job)`, or \
         `.in_current_context()`"
    }
    (true, false, false) => {
        "`contextvars::tokio::spawn`, `inherit_context().wrap_once(job)`, or `.in_current_context()`"
    }
    (false, true, false) => "`contextvars::rayon`, `inherit_context().wrap_once(job)`, or `.in_current_context()`",
    (false, false, false) => "`inherit_context().wrap_once(job)`, or `.in_current_context()`",
};

impl<T> fmt::Debug for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SetError").field(&format_args!("{self}")).finish()
    }
}

impl<T> Error for SetError<T> {}

/// A [`SharedContext`](crate::SharedContext) is already entered, on this thread or another.
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
            "cannot enter the context: it is already entered, by a caller of this code or by another thread\n\
             help: run in a copy taken before (`Context::clone`), or wait until the other `run` has returned",
        )
    }
}

impl fmt::Debug for EnterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EnterError").field(&format_args!("{self}")).finish()
    }
}

impl Error for EnterError {}
