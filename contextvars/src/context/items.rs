//! The views of a context: [`Items`], the variables with their values, and [`ValueRef`], one value.

use std::fmt;

#[cfg(feature = "serde")]
use crate::state;
use crate::state::{Update, Value, Values};
use crate::variable::Variable;

/// The variables of a context with their values; [`Context::iter`](super::Context::iter) makes it.
///
/// # Examples
///
/// ```
/// # use contextvars::{Context, context_var};
/// #[context_var]
/// static TENANT: u32;
/// #[context_var(inherit = false)]
/// static TRANSACTION: u32;
///
/// # fn main() {
/// let ctx = Context::new().with(&TENANT, 1).with(&TRANSACTION, 42);
/// let mut stays_behind = Vec::new();
/// for (variable, value) in &ctx {
///     if !variable.inherits() {
///         stays_behind.push(format!("{} = {value}", variable.name()));
///     }
/// }
/// assert_eq!(stays_behind, ["TRANSACTION = 42"]);
/// # }
/// ```
#[derive(Clone)]
pub struct Items<'a> {
    values: Values<'a>,
}

impl<'a> Items<'a> {
    pub(super) fn new(values: Values<'a>) -> Self {
        Self { values }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = (&'static Variable, ValueRef<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (variable, value) = self.values.next()?;
        Some((variable, ValueRef::new(value)))
    }
}

impl fmt::Debug for Items<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// A value in a context, of any type; [`Context::values`](super::Context::values) and
/// [`Context::iter`](super::Context::iter) return it.
///
/// Its `Debug` is that of the value, if the type has one and the variable is not redacted. Its `Display` likewise,
/// falling back to `Debug` if the type has no `Display`. With the feature `serde` it can be serialised.
///
/// # Examples
///
/// ```
/// # use contextvars::{Context, context_var};
/// #[context_var]
/// static USER: &'static str;
/// #[context_var(redact)]
/// static PASSWORD: &'static str;
/// #[context_var]
/// static RETRY: Option<u32>;
///
/// # fn main() {
/// let ctx = Context::new().with(&USER, "ada").with(&PASSWORD, "secret").with(&RETRY, Some(2));
/// let (debug, display): (Vec<_>, Vec<_>) = ctx.values().map(|it| (format!("{it:?}"), format!("{it}"))).unzip();
/// assert_eq!(debug, ["\"ada\"", "<redacted>", "Some(2)"]);
/// assert_eq!(display, ["ada", "<redacted>", "Some(2)"]);
/// # }
/// ```
///
/// # Python
/// The value itself.
#[derive(Clone, Copy)]
pub struct ValueRef<'a> {
    value: &'a Value,
}

impl<'a> ValueRef<'a> {
    pub(super) fn new(value: &'a Value) -> Self {
        Self { value }
    }

    pub(super) fn value(self) -> &'a Value {
        self.value
    }

    /// Returns the value if it is a `T`, otherwise `None`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, context_var};
    /// #[context_var]
    /// static PORT: u16;
    ///
    /// # fn main() {
    /// let ctx = Context::new().with(&PORT, 80);
    /// let value = ctx.values().next().unwrap();
    /// assert_eq!(value.downcast_ref::<u16>(), Some(&80));
    /// assert_eq!(value.downcast_ref::<u32>(), None);
    /// # }
    /// ```
    #[must_use]
    pub fn downcast_ref<T: 'static>(self) -> Option<&'a T> {
        self.value.downcast_ref()
    }

    pub(crate) fn is_equal(self, other: Self) -> bool {
        self.value.is_equal(other.value)
    }

    /// The change of a variable from one value to another; see [`Update::new`].
    pub(crate) fn update(before: Option<Self>, after: Option<Self>) -> Option<Update> {
        Update::new(before.map(Self::value), after.map(Self::value))
    }
}

#[cfg(feature = "serde")]
impl<'a> ValueRef<'a> {
    /// The placeholder for a value that must not be shown.
    pub(crate) const REDACTED: &'static str = state::REDACTED;

    pub(crate) fn is_redacted(self) -> bool {
        self.value.variable().is_redacted()
    }

    /// Returns the value for any serialiser, if its type has `Serialize`; redacted values too.
    pub(crate) fn serializable(self) -> Option<&'a dyn erased_serde::Serialize> {
        self.value.serializable()
    }
}

impl fmt::Debug for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.value, f)
    }
}

impl fmt::Display for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.value, f)
    }
}

/// A variable as a key of `Debug` output.
pub(crate) struct Key(pub(crate) &'static Variable);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())?;
        if f.alternate() {
            write!(f, " ({}:{})", self.0.file(), self.0.line())?;
        }
        Ok(())
    }
}
