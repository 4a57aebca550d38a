//! [`Diff`]: the differences between two contexts.

use std::fmt;

use crate::context::{Context, Key, ValueRef};
use crate::error::SetError;
use crate::state;
use crate::variable::Variable;

impl Context {
    /// Returns the changes from this context to `after`. O(n) in the variables of the nodes that the two do not share,
    /// plus the comparisons.
    ///
    /// Values are compared as by `==` of two contexts.
    ///
    /// # Panics
    /// If the `PartialEq` of a value panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{Context, context_var};
    /// #[context_var]
    /// static USER: &'static str;
    /// #[context_var]
    /// static PORT: u16;
    /// #[context_var]
    /// static RETRIES: u32;
    ///
    /// # fn main() {
    /// let before = Context::new().with(&USER, "ada").with(&RETRIES, 1);
    /// let mut after = before.clone();
    /// after.run(|| {
    ///     USER.set("grace");
    ///     PORT.set(80);
    /// });
    /// let diff = before.diff(&after);
    /// assert_eq!(diff.to_string(), "~ USER: \"ada\" -> \"grace\"\n+ PORT: 80");
    /// assert_eq!(format!("{diff:?}"), "{USER: \"ada\" -> \"grace\", PORT: unset -> 80}");
    /// assert!(after.diff(&after).is_empty());
    /// # }
    /// ```
    pub fn diff<'a>(&'a self, after: &'a Self) -> Diff<'a> {
        let mut changes = Vec::new();
        for (variable, before) in self.unshared(after) {
            let after = after.counterpart(before);
            if !after.is_some_and(|after| before.is_equal(after)) {
                changes.push(Change { variable, before: Some(before), after });
            }
        }
        for (variable, after) in after.unshared(self) {
            if self.counterpart(after).is_none() {
                changes.push(Change { variable, before: None, after: Some(after) });
            }
        }
        Diff { changes }
    }
}

/// The changes between two contexts; [`Context::diff`] returns it.
///
/// Its `Display` has a line for each change: `+` for a variable that was set, `-` for one that was unset, `~` for one
/// whose value is different. Redacted values are not shown.
///
/// # Examples
///
/// ```
/// # use contextvars::{Context, context_var};
/// #[context_var]
/// static TENANT: &'static str;
/// #[context_var(redact)]
/// static PASSWORD: &'static str;
///
/// # fn main() {
/// let before = Context::new().with(&TENANT, "acme");
/// let after = Context::new().with(&PASSWORD, "hunter2");
/// let diff = before.diff(&after);
/// assert_eq!(diff.to_string(), "- TENANT: \"acme\"\n+ PASSWORD: <redacted>");
/// let changed: Vec<_> = diff.iter().map(|change| change.variable().name()).collect();
/// assert_eq!((diff.len(), changed), (2, vec!["TENANT", "PASSWORD"]));
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a difference changes no context until it is applied"]
pub struct Diff<'a> {
    changes: Vec<Change<'a>>,
}

impl<'a> Diff<'a> {
    /// Returns whether there are no changes: the contexts are equal.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Returns the number of variables that changed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Applies the changes to the current context: each variable is set to its value in `after`, or unset.
    ///
    /// So a caller can take over the changes of a spawned task, as [`round_trip`](crate::round_trip) does for a
    /// function: the task returns its context, and the caller applies the difference from the context that the task
    /// inherited. Variables that the caller has set meanwhile keep their values, unless they are in the difference,
    /// too. Variables declared with `inherit = false` are included if the contexts have them. For a context that is not
    /// current, write `ctx.run(|| diff.apply())`.
    ///
    /// Costs a [`set`](crate::ContextVar::set) for each change, less the allocation.
    ///
    /// # Panics
    /// Where [`set`](crate::ContextVar::set) panics, if there are changes; none has been applied then.
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::{ContextExt, context_var, inherit_context};
    ///
    /// #[context_var(default = 0)]
    /// static ROWS_READ: u32;
    ///
    /// async fn read() -> &'static str {
    ///     ROWS_READ.set(ROWS_READ.get() + 41);
    ///     "rows"
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # async {
    /// ROWS_READ.set(1);
    /// let before = inherit_context();
    /// let task = tokio::spawn(async { (read().await, inherit_context()) }.in_context(before.clone()));
    /// let (rows, after) = task.await.unwrap();
    /// assert_eq!((rows, ROWS_READ.get()), ("rows", 1));
    /// before.diff(&after).apply();
    /// assert_eq!(ROWS_READ.get(), 42);
    /// # }.in_context(contextvars::Context::new()).await;
    /// # }
    /// ```
    #[track_caller]
    pub fn apply(&self) {
        let updates = self.iter().filter_map(|change| ValueRef::update(change.before, change.after));
        if let Err(variable) = state::merge(updates.collect()) {
            panic!("{}", SetError::new(variable, ()));
        }
    }

    /// Returns the changes: first those of variables that were set before, then those that are new.
    pub fn iter(&self) -> std::slice::Iter<'_, Change<'a>> {
        self.changes.iter()
    }
}

impl<'a, 'd> IntoIterator for &'d Diff<'a> {
    type Item = &'d Change<'a>;
    type IntoIter = std::slice::Iter<'d, Change<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> IntoIterator for Diff<'a> {
    type Item = Change<'a>;
    type IntoIter = std::vec::IntoIter<Change<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.changes.into_iter()
    }
}

impl fmt::Display for Diff<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, change) in self.iter().enumerate() {
            let line_end = if number == 0 { "" } else { "\n" };
            write!(f, "{line_end}{change}")?;
        }
        Ok(())
    }
}

/// The alternate form also shows where each variable was declared.
impl fmt::Debug for Diff<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut output = f.debug_map();
        for change in self {
            output.entry(&Key(change.variable), &format_args!("{}", BeforeAndAfter(change)));
        }
        output.finish()
    }
}

/// The change of one variable between two contexts.
///
/// # Examples
///
/// ```
/// # use contextvars::{Context, context_var};
/// #[context_var]
/// static PORT: u16;
///
/// # fn main() {
/// let (before, after) = (Context::new(), Context::new().with(&PORT, 80));
/// let diff = before.diff(&after);
/// let change = diff.iter().next().unwrap();
/// assert_eq!(change.variable().name(), "PORT");
/// assert!(change.before().is_none());
/// assert_eq!(change.after().unwrap().downcast_ref::<u16>(), Some(&80));
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Change<'a> {
    variable: &'static Variable,
    before: Option<ValueRef<'a>>,
    after: Option<ValueRef<'a>>,
}

impl<'a> Change<'a> {
    /// Returns the variable that changed.
    #[must_use]
    pub fn variable(&self) -> &'static Variable {
        self.variable
    }

    /// Returns its value before, or `None` if it was not set.
    #[must_use]
    pub fn before(&self) -> Option<ValueRef<'a>> {
        self.before
    }

    /// Returns its value after, or `None` if it is no longer set.
    #[must_use]
    pub fn after(&self) -> Option<ValueRef<'a>> {
        self.after
    }
}

impl fmt::Display for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.variable.name();
        match (self.before, self.after) {
            (Some(_), Some(_)) => write!(f, "~ {name}: {}", BeforeAndAfter(self)),
            (Some(value), None) => write!(f, "- {name}: {value:?}"),
            (None, Some(value)) => write!(f, "+ {name}: {value:?}"),
            (None, None) => unreachable!("a variable that is set nowhere did not change"),
        }
    }
}

impl fmt::Debug for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("variable", &format_args!("{}", self.variable))
            .field("before", &self.before)
            .field("after", &self.after)
            .finish()
    }
}

/// Writes `BEFORE -> AFTER`.
struct BeforeAndAfter<'a>(&'a Change<'a>);

impl fmt::Display for BeforeAndAfter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let write = |value: Option<ValueRef<'_>>, f: &mut fmt::Formatter<'_>| match value {
            Some(value) => write!(f, "{value:?}"),
            None => f.write_str("unset"),
        };
        write(self.0.before, f)?;
        f.write_str(" -> ")?;
        write(self.0.after, f)
    }
}
