//! The variables that travel, in the order of the keys that they have in one format.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::sync::LazyLock;

use super::registered::{Traveller, Travelling};
use crate::context::Context;
use crate::variable::{self, Variable};

/// A variable that travels, whatever its type.
pub(super) trait Travels: Sync {
    fn variable(&self) -> &'static Variable;

    /// The text of the variable's value in `context`, if it has one that is to be sent.
    fn shown<'a>(&self, context: &'a Context) -> Option<&'a dyn Display>;

    /// Calls `f` with the text of the value that `text` stands for, if it stands for one that is to be sent.
    #[cfg(feature = "baggage")]
    fn shown_again(&self, text: &str, f: &mut dyn FnMut(&dyn Display));

    /// `context` with the value that `text` stands for, or as it was, if it stands for none.
    fn read(&self, text: &str, context: Context) -> Result<Context, Context>;
}

impl<T: Send + Sync + 'static> Travels for Traveller<T> {
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
        match (self.text.read)(text) {
            Some(value) => Ok(context.with(self.var, value)),
            None => Err(context),
        }
    }
}

/// A variable with the key that it travels under.
pub(super) struct Entry {
    pub(super) key: &'static str,
    pub(super) var: &'static dyn Travels,
}

/// The variables that travel in one format: by key; with one key, in the order of declarations.
pub(super) struct ByKey(LazyLock<Vec<Entry>>);

/// By the key of `baggage = "key"`.
#[cfg(feature = "baggage")]
pub(super) static BAGGAGE: ByKey = ByKey(LazyLock::new(|| entries("baggage key", Variable::baggage_key)));

/// By the name of `header = "name"`.
pub(super) static HEADERS: ByKey = ByKey(LazyLock::new(|| entries("header", Variable::header_name)));

impl ByKey {
    /// All of them: those with one key together.
    pub(super) fn all(&self) -> impl Iterator<Item = &[Entry]> {
        self.0.chunk_by(|entry, next| entry.key == next.key)
    }

    /// Those that travel under `key`: none or one, unless declarations disagree.
    #[cfg(feature = "baggage")]
    pub(super) fn of(&self, key: &str) -> &[Entry] {
        let entries = &self.0[self.0.partition_point(|entry| entry.key < key)..];
        &entries[..entries.iter().take_while(|entry| entry.key == key).count()]
    }
}

fn entries(what: &str, key: fn(&Variable) -> Option<&'static str>) -> Vec<Entry> {
    warn_of_shared_keys(what, key);
    let entries = inventory::iter::<Travelling>.into_iter().filter_map(|entry| {
        let key = key(entry.0.variable())?;
        Some(Entry { key, var: entry.0 })
    });
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by(|a, b| a.key.cmp(b.key).then_with(|| a.var.variable().compare_places(b.var.variable())));
    entries
}

/// Warns on the standard error stream, where Python's `warnings` write as well. The fault is in the declarations, so it is
/// of no use to report it to the function of one layer, which the program may not have.
fn warn_of_shared_keys(what: &str, key: fn(&Variable) -> Option<&'static str>) {
    let shared = variable::sharing(variable::variables(), key);
    for (first, other) in shared.iter().flat_map(|alike| alike[1..].iter().map(|other| (alike[0], *other))) {
        let Some(key) = key(first) else { continue };
        // If the stream is closed, the rule holds without a warning.
        let _ = writeln!(
            io::stderr(),
            "warning: {} and {} have one {what}, {key:?}: what comes in sets both, and if both are set, the first is \
             sent; give one of them another",
            first.described(),
            other.described(),
        );
    }
}
