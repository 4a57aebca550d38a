//! The variables that are sent to other processes, ordered by their keys in one format.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::sync::LazyLock;

use super::registered::{PropagatedEntry, PropagatedVar};
use crate::context::Context;
use crate::variable::{self, Variable};

/// A variable that is sent, of any type.
pub(super) trait Propagated: Sync {
    fn variable(&self) -> &'static Variable;

    /// The text of the variable's value in `context`, if it has one to be sent.
    fn shown<'a>(&self, context: &'a Context) -> Option<&'a dyn Display>;

    /// Parses `text` and calls `f` with the text of the resulting value, if that is to be sent.
    #[cfg(feature = "baggage")]
    fn shown_again(&self, text: &str, f: &mut dyn FnMut(&dyn Display));

    /// Returns `context` with the value parsed from `text`, or unchanged if `text` is not a value. The type's `FromStr`
    /// runs in `context`: values that it sets belong to the request that the text came with.
    fn read(&self, text: &str, context: Context) -> Result<Context, Context>;
}

impl<T: Send + Sync + 'static> Propagated for PropagatedVar<T> {
    fn variable(&self) -> &'static Variable {
        self.var.variable()
    }

    fn shown<'a>(&self, context: &'a Context) -> Option<&'a dyn Display> {
        (self.text.shown)(context.get(self.var)?)
    }

    #[cfg(feature = "baggage")]
    fn shown_again(&self, text: &str, f: &mut dyn FnMut(&dyn Display)) {
        let value = (self.text.read)(text);
        if let Some(shown) = value.as_ref().and_then(self.text.shown) {
            f(shown);
        }
    }

    fn read(&self, text: &str, context: Context) -> Result<Context, Context> {
        let mut with_it = context.clone();
        match with_it.run(|| (self.text.read)(text)) {
            Some(value) => {
                // Before the value is set, so that `with_it` need not be copied.
                drop(context);
                Ok(with_it.with(self.var, value))
            }
            None => Err(context),
        }
    }
}

/// A variable with its key.
pub(super) struct Entry {
    pub(super) key: &'static str,
    pub(super) var: &'static dyn Propagated,
}

/// The variables of one format: ordered by key, and those with one key in the order of declarations.
pub(super) struct ByKey(LazyLock<Vec<Entry>>);

/// By the key of `baggage = "key"`.
#[cfg(feature = "baggage")]
pub(super) static BAGGAGE: ByKey = ByKey(LazyLock::new(|| entries("baggage key", Variable::baggage_key)));

/// By the name of `header = "name"`.
pub(super) static HEADERS: ByKey = ByKey(LazyLock::new(|| entries("header", Variable::header_name)));

impl ByKey {
    /// All of them, those with one key together.
    pub(super) fn all(&self) -> impl Iterator<Item = &[Entry]> {
        self.0.chunk_by(|entry, next| entry.key == next.key)
    }

    /// The variables with this key: none or one, unless declarations conflict.
    #[cfg(feature = "baggage")]
    pub(super) fn of(&self, key: &str) -> &[Entry] {
        let entries = &self.0[self.0.partition_point(|entry| entry.key < key)..];
        &entries[..entries.iter().take_while(|entry| entry.key == key).count()]
    }
}

fn entries(what: &str, key: fn(&Variable) -> Option<&'static str>) -> Vec<Entry> {
    warn_of_shared_keys(what, key);
    let entries = inventory::iter::<PropagatedEntry>.into_iter().filter_map(|entry| {
        let key = key(entry.0.variable())?;
        Some(Entry { key, var: entry.0 })
    });
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by(|a, b| a.key.cmp(b.key).then_with(|| a.var.variable().compare_places(b.var.variable())));
    entries
}

/// Warns on the standard error stream, as Python's `warnings` do. The mistake is in the declarations, so it is not
/// reported to the function of one layer, which the program may not have.
fn warn_of_shared_keys(what: &str, key: fn(&Variable) -> Option<&'static str>) {
    let shared = variable::sharing(variable::variables(), key);
    for (first, other) in shared.iter().flat_map(|alike| alike[1..].iter().map(|other| (alike[0], *other))) {
        let Some(key) = key(first) else { continue };
        // If the stream is closed, the warning is lost.
        let _ = writeln!(
            io::stderr(),
            "warning: {} and {} have one {what}, {key:?}: what comes in sets both, and if both are set, the first is \
             sent; give one of them another",
            first.described(),
            other.described(),
        );
    }
}
