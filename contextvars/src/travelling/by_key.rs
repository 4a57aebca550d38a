//! The variables that travel, in the order of their keys: what is written of them and read into them.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::LazyLock;

use super::percent::Encoder;
use super::registered::{Traveller, Travelling};
use crate::context::Context;
use crate::variable::{self, Variable};

/// A variable that travels, whatever its type.
pub(super) trait Travels: Sync {
    fn variable(&self) -> &'static Variable;

    /// Appends `key=value` to the header, if the variable has a value in `context` that is to be sent.
    fn write(&self, key: &str, context: &Context, header: &mut String) -> bool;

    /// Whether `text` stands for a value that is written like this, encoded.
    fn is_written(&self, text: &str, encoded: &str) -> bool;

    /// `context` with the value that `text` stands for, or as it was, if it stands for none.
    fn read(&self, text: &str, context: Context) -> Result<Context, Context>;
}

impl<T: Send + Sync + 'static> Traveller<T> {
    fn encode(&self, value: &T, header: &mut String, key: &str) -> bool {
        /// As much as most headers have.
        const USUAL: usize = 128;
        let Some(shown) = (self.text.shown)(value) else { return false };
        if header.is_empty() {
            header.reserve(USUAL);
        }
        header.push_str(key);
        header.push('=');
        write!(Encoder(header), "{shown}").expect("a `Display` returned an error, though nothing failed");
        true
    }
}

impl<T: Send + Sync + 'static> Travels for Traveller<T> {
    fn variable(&self) -> &'static Variable {
        self.var.variable()
    }

    fn write(&self, key: &str, context: &Context, header: &mut String) -> bool {
        context.get(self.var).is_some_and(|value| self.encode(value, header, key))
    }

    fn is_written(&self, text: &str, encoded: &str) -> bool {
        let mut member = String::new();
        (self.text.read)(text).is_some_and(|value| self.encode(&value, &mut member, "")) && member[1..] == *encoded
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

/// All of them: by key; with one key, in the order of declarations.
static BY_KEY: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    warn_of_shared_keys();
    let entries = inventory::iter::<Travelling>.into_iter().filter_map(|entry| {
        let key = entry.0.variable().baggage_key()?;
        Some(Entry { key, var: entry.0 })
    });
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by(|a, b| a.key.cmp(b.key).then_with(|| a.var.variable().compare_places(b.var.variable())));
    entries
});

/// The variables that travel: those with one key together.
pub(super) fn travelling() -> impl Iterator<Item = &'static [Entry]> {
    BY_KEY.chunk_by(|entry, next| entry.key == next.key)
}

/// The variables that travel under `key`: none or one, unless declarations disagree.
pub(super) fn travelling_as(key: &str) -> &'static [Entry] {
    let entries = &BY_KEY[BY_KEY.partition_point(|entry| entry.key < key)..];
    &entries[..entries.iter().take_while(|entry| entry.key == key).count()]
}

/// Warns on the standard error stream, where Python's `warnings` write as well. The fault is in the declarations, so it is
/// of no use to report it to the function of one layer, which the program may not have.
fn warn_of_shared_keys() {
    let shared = variable::sharing(variable::variables(), Variable::baggage_key);
    for (first, other) in shared.iter().flat_map(|alike| alike[1..].iter().map(|other| (alike[0], *other))) {
        let Some(key) = first.baggage_key() else { continue };
        // If the stream is closed, the rule holds without a warning.
        let _ = writeln!(
            io::stderr(),
            "warning: {} and {} have one baggage key, {key:?}: what comes in sets both, and if both are set, the \
             first is sent; give one of them another key",
            first.described(),
            other.described(),
        );
    }
}
