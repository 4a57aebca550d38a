//! A header for each variable that is declared with `header = "name"`: [`Settings`] has the list of variables and the
//! limit.

use std::fmt;
use std::ptr;
use std::str;
use std::sync::Arc;

use super::by_key::{Entry, HEADERS};
use super::carrier::{Extractor, Injector};
use super::format::Format;
use super::skipped::{Reason, Skipped};
use crate::context::{Context, copy_context};
use crate::variable::Variable;

/// Settings: which of the variables that are declared with `header = "name"` are read and written, and how long their
/// values may be.
///
/// The functions of this module use [`Settings::new`]; these methods use other settings. The layers take settings, too.
/// A copy costs one reference count.
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
///
/// use contextvars::headers::Settings;
/// use contextvars::{Context, context_var};
///
/// #[context_var(header = "x-ticket")]
/// static TICKET: String;
/// #[context_var(header = "x-role")]
/// static ROLE: String;
///
/// # fn main() {
/// // From the public: only a ticket, and not a long one.
/// let settings = Settings::new().only([TICKET.variable()]).most_bytes(8);
/// let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
/// let received = HashMap::from([header("x-ticket", "T-7"), header("x-role", "admin")]);
/// let (ctx, skipped) = settings.extract(&received, Context::new());
/// assert_eq!((ctx[&TICKET].as_str(), ctx.contains(&ROLE), skipped.len()), ("T-7", false, 0));
///
/// let (_, skipped) = settings.extract(&HashMap::from([header("x-ticket", "T-7777777")]), Context::new());
/// assert!(skipped[0].is_over_limit());
/// # }
/// ```
#[derive(Clone)]
pub struct Settings {
    most_bytes: usize,
    /// The allowed variables, or `None` for all that are declared.
    only: Option<Arc<[&'static Variable]>>,
}

impl Settings {
    /// Returns the settings for all declared variables, with values of up to 1,024 bytes.
    #[must_use]
    pub const fn new() -> Self {
        Self { most_bytes: 1024, only: None }
    }

    /// Limits each value to this many bytes.
    #[must_use]
    pub const fn most_bytes(mut self, most: usize) -> Self {
        self.most_bytes = most;
        self
    }

    /// Reads and writes only these variables. The headers of all others are not read, and are removed from outgoing
    /// requests.
    ///
    /// # Panics
    /// If one of them is not declared with `header = "name"`.
    #[must_use]
    pub fn only(mut self, variables: impl IntoIterator<Item = &'static Variable>) -> Self {
        let variables: Arc<[_]> = variables.into_iter().collect();
        if let Some(local) = variables.iter().find(|variable| variable.header_name().is_none()) {
            panic!("{} has no header: declare it with `#[context_var(header = \"x-name\")]`", local.described());
        }
        self.only = Some(variables);
        self
    }

    /// The allowed ones of the variables with one header.
    fn allowed<'a>(&self, entries: &'a [Entry]) -> impl Iterator<Item = &'a Entry> {
        entries.iter().filter(|entry| {
            self.only.as_ref().is_none_or(|only| only.iter().any(|it| ptr::eq(*it, entry.var.variable())))
        })
    }

    /// Sets the variables from the headers of a request, as [`extract`] does.
    ///
    /// # Panics
    /// If the `FromStr` of a variable's type panics.
    #[must_use = "the variables are set only in the returned context"]
    pub fn extract(&self, carrier: &(impl Extractor + ?Sized), mut context: Context) -> (Context, Vec<Skipped>) {
        let mut skipped = Vec::new();
        let mut value = String::new();
        for entries in HEADERS.all() {
            let name = entries[0].key;
            let mut allowed = self.allowed(entries).peekable();
            if allowed.peek().is_none() {
                continue;
            }
            match self.read(name, carrier, &mut value) {
                Ok(false) => {}
                Ok(true) => {
                    for Entry { var, .. } in allowed {
                        context = var.read(&value, context).unwrap_or_else(|context| {
                            let type_name = var.variable().type_name();
                            skipped.push(Skipped::header(name, Reason::WrongValue { type_name }));
                            context
                        });
                    }
                }
                Err(reason) => skipped.push(Skipped::header(name, reason)),
            }
        }
        (context, skipped)
    }

    /// Copies the only value under `name` into `value`, and returns whether there is one.
    fn read(&self, name: &str, carrier: &(impl Extractor + ?Sized), value: &mut String) -> Result<bool, Reason> {
        let mut found = Ok(false);
        carrier.each_value(name, &mut |bytes| {
            if found != Ok(false) {
                found = Err(Reason::Several);
                return;
            }
            found = self.check(trimmed(bytes)).map(|text| {
                value.clear();
                value.push_str(text);
                true
            });
        });
        found
    }

    /// Returns the text if it is allowed as the value of a header.
    fn check<'a>(&self, value: &'a [u8]) -> Result<&'a str, Reason> {
        if value.len() > self.most_bytes {
            return Err(Reason::TooLong(self.most_bytes));
        }
        match str::from_utf8(value) {
            Ok("") => Err(Reason::Empty),
            Ok(text) if value.iter().all(|byte| matches!(byte, b' '..=b'~')) && trimmed(value) == value => Ok(text),
            _ => Err(Reason::WrongCharacter),
        }
    }

    /// Writes the headers for the current context, as [`inject`] does.
    ///
    /// # Panics
    /// If the `Display` of a value panics or returns an error.
    pub fn inject(&self, carrier: &mut (impl Injector + ?Sized)) -> Vec<Skipped> {
        self.write(|name, value| carrier.set(name, value))
    }

    /// Writes the variables that are set into a response; other headers are unchanged.
    pub(crate) fn echo(&self, carrier: &mut (impl Injector + ?Sized)) -> Vec<Skipped> {
        self.write(|name, value| {
            if value.is_some() {
                carrier.set(name, value);
            }
        })
    }

    fn write(&self, mut set: impl FnMut(&str, Option<String>)) -> Vec<Skipped> {
        let context = copy_context();
        let mut skipped = Vec::new();
        for entries in HEADERS.all() {
            let name = entries[0].key;
            let shown = self.allowed(entries).find_map(|entry| entry.var.shown(&context));
            // In a copy: a `Display` changes no context by being sent.
            let value = shown.map(|shown| context.run_copy(|| shown.to_string())).filter(|value| {
                let checked = self.check(value.as_bytes());
                skipped.extend(checked.err().map(|reason| Skipped::header(name, reason)));
                checked.is_ok()
            });
            set(name, value);
        }
        skipped
    }
}

/// The value without the white space that HTTP allows around it.
fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

impl Format for Settings {
    fn extract(&self, headers: &dyn Extractor, context: Context) -> (Context, Vec<Skipped>) {
        Self::extract(self, headers, context)
    }

    fn inject(&self, headers: &mut dyn Injector) -> Vec<Skipped> {
        Self::inject(self, headers)
    }

    fn remove(&self, headers: &mut dyn Injector) {
        HEADERS.all().for_each(|entries| headers.set(entries[0].key, None));
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Option<Vec<_>> = self.only.as_ref().map(|only| only.iter().map(|it| it.name()).collect());
        f.debug_struct("Settings").field("most_bytes", &self.most_bytes).field("only", &names).finish()
    }
}

/// Sets the variables from the headers of a request in `context`, and returns it with the headers that were left out.
///
/// Only variables declared with `header = "name"` are set. Costs a lookup in the carrier for each of them that the
/// program declares, and parsing and a set for each that was received. For a list of variables or another limit, use
/// [`Settings::extract`].
///
/// The `FromStr` of a type runs in `context`: variables that it sets are set in the returned context. The `Extractor`'s
/// methods run in the current one.
///
/// # Panics
/// If the `FromStr` of a variable's type panics.
///
/// # Examples
///
/// ```
/// # use contextvars::{Context, context_var, headers};
/// #[context_var(header = "x-shop")]
/// static SHOP: u32;
///
/// # fn main() {
/// let received = [("X-Shop".to_owned(), "7".to_owned())];
/// let (ctx, skipped) = headers::extract(&received[..], Context::new());
/// assert_eq!((ctx[&SHOP], skipped.len()), (7, 0));
/// # }
/// ```
#[must_use = "the variables are set only in the returned context"]
pub fn extract(carrier: &(impl Extractor + ?Sized), context: Context) -> (Context, Vec<Skipped>) {
    Settings::new().extract(carrier, context)
}

/// Writes the headers for the current context, and returns the ones that were left out.
///
/// An existing header of a variable is replaced, or removed if the variable is not set. O(n) in the program's variables
/// with a header, plus formatting those that are set.
///
/// The `Display` of a value runs in a copy of the current context: variables that it sets are lost.
///
/// # Panics
/// If the `Display` of a value panics or returns an error.
///
/// # Examples
///
/// ```
/// # use std::collections::HashMap;
/// # use contextvars::{context_var, headers, with_context};
/// #[context_var(header = "x-floor")]
/// static FLOOR: u32;
///
/// # fn main() {
/// let mut sent = HashMap::new();
/// with_context!(FLOOR = 7, { headers::inject(&mut sent) });
/// assert_eq!(sent["x-floor"], "7");
/// # }
/// ```
pub fn inject(carrier: &mut (impl Injector + ?Sized)) -> Vec<Skipped> {
    Settings::new().inject(carrier)
}
