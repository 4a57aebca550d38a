//! Looking into a [`Context`]: it is a mapping from variables to values, as in Python.

use std::fmt::{self, Write};
use std::ops::Index;

use super::{Context, Items, Key, ValueRef};
use crate::state::ContextVar;
use crate::variable::Variable;

impl Context {
    /// Returns whether the variable is set in this context. A default does not count.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, context_var};
    /// #[context_var(default = 80)]
    /// static PORT: u16;
    ///
    /// # fn main() {
    /// assert!(!Context::new().contains(&PORT));
    /// assert!(Context::new().with(&PORT, 80).contains(&PORT));
    /// # }
    /// ```
    ///
    /// # Python
    /// `var in ctx`.
    #[must_use]
    pub fn contains<T>(&self, var: &'static ContextVar<T>) -> bool {
        self.state.get(var).is_some()
    }

    /// Returns the variable's value in this context, or `None` if it is not set there. A default does not count.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, context_var};
    /// #[context_var(default = 80)]
    /// static PORT: u16;
    ///
    /// # fn main() {
    /// assert_eq!(Context::new().get(&PORT), None);
    /// assert_eq!(Context::new().with(&PORT, 8080).get(&PORT), Some(&8080));
    /// # }
    /// ```
    ///
    /// # Python
    /// `ctx.get(var)`.
    #[must_use]
    pub fn get<T>(&self, var: &'static ContextVar<T>) -> Option<&T> {
        self.state.get(var)
    }

    /// Returns the number of variables that are set. O(n).
    ///
    /// # Python
    /// `len(ctx)`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.values().count()
    }

    /// Returns whether no variable is set.
    ///
    /// # Python
    /// `not ctx`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.state.values().next().is_none()
    }

    /// Returns the variables that are set with their values, in the order in which they were first set in this process.
    ///
    /// O(n); no value is copied.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, context_var};
    /// #[context_var]
    /// static USER: String;
    /// #[context_var]
    /// static PORT: u16;
    ///
    /// # fn main() {
    /// let ctx = Context::new().with(&USER, "ada".to_owned()).with(&PORT, 80);
    /// let shown: Vec<_> = ctx.iter().map(|(var, value)| format!("{}={value:?}", var.name())).collect();
    /// assert_eq!(shown, ["USER=\"ada\"", "PORT=80"]);
    ///
    /// assert_eq!(ctx.keys().map(|var| var.name()).collect::<Vec<_>>(), ["USER", "PORT"]);
    /// assert_eq!(ctx.values().map(|value| value.to_string()).collect::<Vec<_>>(), ["ada", "80"]);
    /// assert_eq!((ctx.items().count(), ctx.len(), ctx.is_empty()), (2, 2, false));
    /// # }
    /// ```
    ///
    /// # Python
    /// `ctx.items()`, in the order of hashes. Python's `iter(ctx)` is [`keys`](Self::keys).
    #[must_use]
    pub fn iter(&self) -> Items<'_> {
        Items::new(self.state.values())
    }

    /// Returns the variables that are set, in the order of [`iter`](Self::iter).
    ///
    /// # Python
    /// `ctx.keys()`.
    pub fn keys(&self) -> impl Iterator<Item = &'static Variable> {
        self.iter().map(|(variable, _)| variable)
    }

    /// Returns the values, in the order of [`iter`](Self::iter).
    ///
    /// # Python
    /// `ctx.values()`.
    pub fn values(&self) -> impl Iterator<Item = ValueRef<'_>> {
        self.iter().map(|(_, value)| value)
    }

    /// Returns the variables that are set with their values; the same as [`iter`](Self::iter).
    ///
    /// # Python
    /// `ctx.items()`, which is said to return a list, and in CPython returns an iterator.
    #[must_use]
    pub fn items(&self) -> Items<'_> {
        self.iter()
    }

    /// The variables with their values that may differ in `other`, or be unset there.
    pub(crate) fn unshared<'a>(
        &'a self,
        other: &Self,
    ) -> impl Iterator<Item = (&'static Variable, ValueRef<'a>)> + use<'a> {
        self.state.unshared(&other.state).map(|(variable, value)| (variable, ValueRef::new(value)))
    }

    /// This context's value of the variable that `like` is a value of.
    pub(crate) fn counterpart(&self, like: ValueRef<'_>) -> Option<ValueRef<'_>> {
        self.state.counterpart(like.value()).map(ValueRef::new)
    }
}

/// Looks up the variable's value in this context.
///
/// # Panics
/// If the variable is not set in this context; [`get`](Context::get) returns `None` instead.
///
/// # Python
/// `ctx[var]`, which raises `KeyError`.
impl<T> Index<&'static ContextVar<T>> for Context {
    type Output = T;

    #[track_caller]
    fn index(&self, var: &'static ContextVar<T>) -> &T {
        match self.get(var) {
            Some(value) => value,
            None => panic!(
                "{} is not set in this context: a declared default is not part of any context\n\
                 help: set it first, or write `ctx.get(&{name})`, which returns an `Option`",
                var.variable().described(),
                name = var.name(),
            ),
        }
    }
}

/// Two contexts are equal if the same variables are set, each to the same instance of a value or to values that are
/// equal by their type's `PartialEq`. So a context equals its copies, whatever they hold. O(n) in the variables of the
/// nodes that the two do not share: none for a copy, 16 for one in which one variable was set.
///
/// # Python
/// `ctx == other`, which compares identities first, too.
impl PartialEq for Context {
    fn eq(&self, other: &Self) -> bool {
        let counterpart_is_equal = |value: ValueRef<'_>| other.counterpart(value).is_some_and(|it| value.is_equal(it));
        self.unshared(other).count() == other.unshared(self).count()
            && self.unshared(other).all(|(_, value)| counterpart_is_equal(value))
    }
}

/// Shows `{NAME: value, ..}`. A value whose type has no `Debug` is shown as its type's name, one of a variable with
/// `redact` as `<redacted>`.
///
/// The alternate form also shows where each variable was declared.
impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut output = f.debug_map();
        for (variable, value) in self {
            output.entry(&Key(variable), &value);
        }
        output.finish()
    }
}

/// Writes one line: `REQUEST_ID=7, TENANT=acme`, in the order of [`iter`](Self::iter). Values are displayed as
/// [`ValueRef`] does, so `redact` is honoured. A value with white space, `=`, a comma, or anything that `Debug` escapes
/// in a text, such as line feeds, is written as `Debug` writes a text: in quotes, and escaped.
///
/// So a context can be a field of an error; [`retain`](Self::retain) reduces it to the variables to be shown, so that
/// the error keeps no other value alive.
///
/// # Examples
///
/// ```
/// use contextvars::{Context, context_var, copy_context, with_context};
///
/// #[context_var(log)]
/// static REQUEST_ID: u64;
/// #[context_var]
/// static UPLOAD: Vec<u8>;
///
/// /// The variables of the caller that may be shown.
/// fn shown() -> Context {
///     let mut ctx = copy_context();
///     ctx.retain(|variable, _| variable.is_logged());
///     ctx
/// }
///
/// # fn main() {
/// let error = with_context!(REQUEST_ID = 7, UPLOAD = vec![0; 1 << 20], { format!("no stock ({})", shown()) });
/// assert_eq!(error, "no stock (REQUEST_ID=7)");
/// # }
/// ```
impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (variable, value)) in self.iter().enumerate() {
            let separator = if number == 0 { "" } else { ", " };
            write!(f, "{separator}{}=", variable.name())?;
            let mut text = String::new();
            write!(text, "{value}")?;
            if is_plain(&text) { f.write_str(&text)? } else { write!(f, "{text:?}")? }
        }
        Ok(())
    }
}

/// Whether a value can be told from what is around it: no reader of the line must take a part of it for another
/// variable's value, or for the end of the line.
fn is_plain(text: &str) -> bool {
    let is_plain = |it: char| !matches!(it, '=' | ',') && !it.is_whitespace() && it.escape_debug().eq([it]);
    !text.is_empty() && text.chars().all(is_plain)
}

impl<'a> IntoIterator for &'a Context {
    type Item = (&'static Variable, ValueRef<'a>);
    type IntoIter = Items<'a>;

    fn into_iter(self) -> Items<'a> {
        self.iter()
    }
}
