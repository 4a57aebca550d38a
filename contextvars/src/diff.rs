//! [`Diff`]: what changed between two contexts.

use std::fmt;

use crate::context::{Context, Key, ValueRef};
use crate::error::SetError;
use crate::state;
use crate::variable::Variable;

impl Context {
    /// Returns what changed from this context to `after`. O(n) in the variables of the nodes that the two do not share, plus
    /// the comparisons.
    ///
    /// Values are compared as `==` compares them on contexts.
    ///
    /// # Panics
    /// If the `PartialEq` of a value does.
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

/// What changed between two contexts; [`Context::diff`] makes it.
///
/// Its `Display` has a line for each change: `+` for a variable that was set, `-` for one that was unset, `~` for one
/// whose value is another. `redact` is honoured.
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
    /// Returns whether nothing changed: the contexts are equal.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Returns how many variables changed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Makes the changes in the current context: variables are set to what they have after, or unset.
    ///
    /// So the changes of a spawned task come back, as those of a function do with [`round_trip`](crate::round_trip): the
    /// task returns its context, and the difference to the context that it inherited is applied. Variables that were set
    /// here meanwhile keep their values, unless the difference has them, too: then they get the value from there.
    /// Variables declared with `inherit = false` come back, too, if the contexts have them. In a context that is not
    /// current: `ctx.run(|| diff.apply())`.
    ///
    /// Costs a [`set`](crate::ContextVar::set) for each change, less the allocation.
    ///
    /// # Panics
    /// Where [`set`](crate::ContextVar::set) panics, if there are changes; none was made then.
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

/// The alternate form shows where each variable was declared, too.
impl fmt::Debug for Diff<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut output = f.debug_map();
        for change in self {
            output.entry(&Key(change.variable), &format_args!("{}", BeforeAndAfter(change)));
        }
        output.finish()
    }
}

/// What happened to one variable between two contexts.
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

    /// Returns its value before; `None` if it was not set.
    #[must_use]
    pub fn before(&self) -> Option<ValueRef<'a>> {
        self.before
    }

    /// Returns its value after; `None` if it is not set any more.
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
