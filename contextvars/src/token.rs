//! [`Token`]: the value that a `set` replaced, for `reset` to restore; and [`SetGuard`], which restores it on drop.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::ptr;
use std::thread;

use crate::state::{self, ContextVar, Identity, Replaced, ValueOf};

/// The value that a [`set`](ContextVar::set) replaced; [`reset`](ContextVar::reset) restores it.
///
/// A token may be ignored; the old value is then dropped. It can be used once: `reset` takes it by value.
///
/// # Examples
///
/// ```
/// # use contextvars::context_var;
/// #[context_var]
/// static USER: String;
///
/// # fn main() {
/// let first = USER.set("ada".to_owned());
/// assert_eq!(first.old_value(), None);
/// let second = USER.set("grace".to_owned());
/// assert_eq!(second.old_value().unwrap(), "ada");
/// assert_eq!(second.var().name(), "USER");
/// USER.reset(second).unwrap();
/// assert_eq!(USER.get(), "ada");
/// # }
/// ```
///
/// # Python
/// `contextvars.Token`. `Token.MISSING` is `None`; using a token twice, a `RuntimeError` there, does not compile.
pub struct Token<T: 'static> {
    var: &'static ContextVar<T>,
    old: Option<ValueOf<T>>,
    /// The context in which the set was made.
    identity: Identity,
}

impl<T: Send + Sync + 'static> Token<T> {
    #[inline]
    pub(crate) fn new(var: &'static ContextVar<T>, replaced: Replaced<T>) -> Self {
        let Replaced { old, identity } = replaced;
        Self { var, old, identity }
    }

    /// Returns the variable that was set.
    ///
    /// # Python
    /// `Token.var`.
    #[must_use]
    pub fn var(&self) -> &'static ContextVar<T> {
        self.var
    }

    /// Returns the value that was replaced, or `None` if the variable was not set before.
    ///
    /// # Python
    /// `Token.old_value`, with `None` for `Token.MISSING`.
    #[must_use]
    pub fn old_value(&self) -> Option<&T> {
        self.old.as_ref()?.as_value().downcast_ref()
    }

    /// Restores the old value of `var`.
    #[inline]
    pub(crate) fn reset(mut self, var: &'static ContextVar<T>) -> Result<(), ResetError<T>> {
        if !ptr::eq(var, self.var) {
            return Err(ResetError { token: self, wrong: Wrong::Variable(var) });
        }
        match state::restore(self.var, &mut self.old, self.identity) {
            Ok(()) => {
                // There is nothing left in it to drop.
                mem::forget(self);
                Ok(())
            }
            Err(()) => Err(ResetError { token: self, wrong: Wrong::Context }),
        }
    }
}

/// In the context in which the token was made, the old value is dropped as part of the work there. In any other, it is
/// dropped in an empty context, so that no value that its destructor sets stays on a thread for later work.
impl<T> Drop for Token<T> {
    #[inline]
    fn drop(&mut self) {
        if const { mem::needs_drop::<T>() } && !state::has_identity(self.identity) {
            if let Some(old) = self.old.take() {
                old.drop_apart();
            }
        }
    }
}

/// Shows the variable, and the old value as a [`Context`](crate::Context) shows it.
impl<T> fmt::Debug for Token<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut output = f.debug_struct("Token");
        output.field("var", self.var);
        match &self.old {
            Some(old) => output.field("old_value", old.as_value()),
            None => output.field("old_value", &format_args!("missing")),
        };
        output.finish_non_exhaustive()
    }
}

/// A [`reset`](ContextVar::reset) was refused: the token is of another variable, or was made in another context.
///
/// Nothing was changed; [`into_token`](Self::into_token) returns the token.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, copy_context};
/// #[context_var]
/// static USER: String;
///
/// # fn main() {
/// let token = USER.set("ada".to_owned());
/// let error = copy_context().run(|| USER.reset(token)).unwrap_err();
/// assert!(error.is_wrong_context());
/// assert!(!error.is_wrong_variable());
/// USER.reset(error.into_token()).unwrap();
/// # }
/// ```
///
/// # Python
/// `ValueError`. The `RuntimeError` about a token that was used before cannot happen here.
pub struct ResetError<T: 'static> {
    token: Token<T>,
    wrong: Wrong<T>,
}

enum Wrong<T: 'static> {
    /// The variable that was to be reset.
    Variable(&'static ContextVar<T>),
    Context,
}

impl<T> ResetError<T> {
    /// Returns whether the token is of a different variable than the one to be reset.
    #[must_use]
    pub fn is_wrong_variable(&self) -> bool {
        matches!(self.wrong, Wrong::Variable(_))
    }

    /// Returns whether the token was made in a different context than the current one.
    #[must_use]
    pub fn is_wrong_context(&self) -> bool {
        matches!(self.wrong, Wrong::Context)
    }

    /// Returns the token; it can be used again.
    #[must_use]
    pub fn into_token(self) -> Token<T> {
        self.token
    }
}

impl<T> fmt::Display for ResetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let made_by = self.token.var.variable();
        match self.wrong {
            Wrong::Variable(var) => write!(
                f,
                "cannot reset {} with a token of {}: write `{}.reset(token)`",
                var.variable().described(),
                made_by.described(),
                made_by.name(),
            ),
            Wrong::Context => write!(
                f,
                "cannot reset {} here: the token was made in another context\n\
                 help: reset it where `{name}.set(..)` was called, or scope the value with `with_context!({name} = .., \
                 {{ .. }})`",
                made_by.described(),
                name = made_by.name(),
            ),
        }
    }
}

impl<T> fmt::Debug for ResetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ResetError").field(&format_args!("{self}")).finish()
    }
}

impl<T> Error for ResetError<T> {}

/// Resets a variable when dropped; [`set_scoped`](ContextVar::set_scoped) makes it.
///
/// # Examples
///
/// ```
/// # use contextvars::context_var;
/// #[context_var(default = 0)]
/// static DEPTH: u32;
///
/// # fn main() {
/// let outer = DEPTH.set_scoped(1);
/// {
///     let _inner = DEPTH.set_scoped(2);
///     assert_eq!(DEPTH.get(), 2);
/// }
/// assert_eq!(DEPTH.get(), 1);
/// drop(outer);
/// assert_eq!(DEPTH.get(), 0);
/// # }
/// ```
///
/// # Panics
/// On drop, if the current context is not the one in which the variable was set (unless the thread is panicking
/// already). Forgetting the guard leaves the variable set. If guards of one context do not end in the reverse order of
/// their beginning, this is not detected: the last to end determines the value.
///
/// # Python
/// `with var.set(value):` of Python 3.14.
#[must_use = "dropping the guard at once resets the variable; write `let _guard = ..`"]
pub struct SetGuard<T: Send + Sync + 'static> {
    /// Taken on drop.
    token: Option<Token<T>>,
    /// The set that it undoes was made in the current context of one thread.
    not_send: PhantomData<*const ()>,
}

impl<T: Send + Sync + 'static> SetGuard<T> {
    pub(crate) fn new(token: Token<T>) -> Self {
        Self { token: Some(token), not_send: PhantomData }
    }
}

impl<T: Send + Sync + 'static> Drop for SetGuard<T> {
    fn drop(&mut self) {
        let Some(token) = self.token.take() else { return };
        let var = token.var;
        if let Err(error) = token.reset(var) {
            assert!(thread::panicking(), "a `set_scoped` guard was dropped in a different context: {error}");
        }
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for SetGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetGuard").field("token", &self.token).finish_non_exhaustive()
    }
}
