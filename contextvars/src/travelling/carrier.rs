//! What carries baggage from process to process, and the two functions that put it in and take it out.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use super::settings::Settings;
use super::skipped::Skipped;
use crate::context::Context;

/// The name of the header.
pub(crate) const NAME: &str = "baggage";

/// Something that headers can be read from.
///
/// Implemented for `http::HeaderMap` and for maps and lists of strings, whose names are compared without regard to
/// case.
///
/// # Examples
///
/// ```
/// use contextvars::baggage::{self, Extractor};
/// use contextvars::{Context, context_var};
///
/// #[context_var(baggage = "account")]
/// static ACCOUNT: u32;
///
/// struct Envelope {
///     baggage: Option<String>,
/// }
///
/// impl Extractor for Envelope {
///     fn each_value(&self, name: &str, f: &mut dyn FnMut(&[u8])) {
///         if let Some(value) = self.baggage.as_deref().filter(|_| name == "baggage") {
///             f(value.as_bytes());
///         }
///     }
/// }
///
/// # fn main() {
/// let envelope = Envelope { baggage: Some("account=7".to_owned()) };
/// let (ctx, _) = baggage::extract(&envelope, Context::new());
/// assert_eq!(ctx[&ACCOUNT], 7);
/// # }
/// ```
pub trait Extractor {
    /// Calls `f` with the value of each header of this name, in their order. The name is in lower case.
    fn each_value(&self, name: &str, f: &mut dyn FnMut(&[u8]));
}

/// Something that headers can be written to.
///
/// Implemented for `http::HeaderMap` and for maps and lists of strings.
///
/// # Examples
///
/// ```
/// use contextvars::baggage::{self, Injector};
/// use contextvars::{context_var, with_context};
///
/// #[context_var(baggage = "order")]
/// static ORDER: u32;
///
/// #[derive(Default)]
/// struct Envelope {
///     baggage: Option<String>,
/// }
///
/// impl Injector for Envelope {
///     fn set(&mut self, name: &str, value: Option<String>) {
///         if name == "baggage" {
///             self.baggage = value;
///         }
///     }
/// }
///
/// # fn main() {
/// let mut envelope = Envelope::default();
/// with_context!(ORDER = 7, { baggage::inject(&mut envelope) });
/// assert_eq!(envelope.baggage.as_deref(), Some("order=7"));
///
/// // Where no variable that travels is set, there is to be no header.
/// baggage::inject(&mut envelope);
/// assert_eq!(envelope.baggage, None);
/// # }
/// ```
pub trait Injector {
    /// Makes `value` the only one of this name; with `None` there is to be none. The name is in lower case.
    fn set(&mut self, name: &str, value: Option<String>);
}

/// Sets the variables that came with a request, in `context`, and returns it with what had to be left out.
///
/// Only variables declared with `baggage` are set. A request without baggage costs a look at the carrier; else each
/// member is read, and its key looked for among those of the variables that travel. For other limits than the
/// specification's there is [`Settings::extract`].
///
/// # Panics
/// If the `FromStr` of a variable's type does.
///
/// # Examples
///
/// ```
/// # use contextvars::{Context, baggage, context_var};
/// #[context_var(baggage = "shop")]
/// static SHOP: u32;
///
/// # fn main() {
/// let headers = [("Baggage".to_owned(), "shop=seven,user=ada".to_owned())];
/// let (ctx, skipped) = baggage::extract(&headers[..], Context::new());
/// assert!(!ctx.contains(&SHOP));
/// assert_eq!(
///     skipped[0].to_string(),
///     r#"the baggage member "shop" was left out: its value cannot be read as `u32`"#
/// );
/// # }
/// ```
#[must_use = "the variables are set in the context that is returned"]
pub fn extract(carrier: &(impl Extractor + ?Sized), context: Context) -> (Context, Vec<Skipped>) {
    Settings::new().extract(carrier, context)
}

/// Writes what is to leave the process from the current context, and returns what had to be left out.
///
/// The header is then what the context says: one that was there before is replaced, or removed. Costs a look at each
/// variable of the program that travels, and the text of those that are set. To send less, or more, there is
/// [`Settings::inject`].
///
/// # Panics
/// If the `Display` of a value does, or returns an error.
///
/// # Examples
///
/// ```
/// # use std::collections::HashMap;
/// # use contextvars::{baggage, context_var, with_context};
/// #[context_var(baggage = "floor")]
/// static FLOOR: u32;
///
/// # fn main() {
/// let mut headers = HashMap::new();
/// with_context!(FLOOR = 7, { baggage::inject(&mut headers) });
/// assert_eq!(headers["baggage"], "floor=7");
/// # }
/// ```
pub fn inject(carrier: &mut (impl Injector + ?Sized)) -> Vec<Skipped> {
    Settings::new().inject(carrier)
}

/// Calls `f` with the values that stand under `name`, in whatever case.
fn each_of<'a>(headers: impl IntoIterator<Item = (&'a String, &'a String)>, name: &str, f: &mut dyn FnMut(&[u8])) {
    headers.into_iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).for_each(|(_, value)| f(value.as_bytes()));
}

impl<S: BuildHasher> Extractor for HashMap<String, String, S> {
    fn each_value(&self, name: &str, f: &mut dyn FnMut(&[u8])) {
        each_of(self, name, f);
    }
}

impl<S: BuildHasher> Injector for HashMap<String, String, S> {
    fn set(&mut self, name: &str, value: Option<String>) {
        self.retain(|key, _| !key.eq_ignore_ascii_case(name));
        self.extend(value.map(|value| (name.to_owned(), value)));
    }
}

impl Extractor for BTreeMap<String, String> {
    fn each_value(&self, name: &str, f: &mut dyn FnMut(&[u8])) {
        each_of(self, name, f);
    }
}

impl Injector for BTreeMap<String, String> {
    fn set(&mut self, name: &str, value: Option<String>) {
        self.retain(|key, _| !key.eq_ignore_ascii_case(name));
        self.extend(value.map(|value| (name.to_owned(), value)));
    }
}

impl Extractor for [(String, String)] {
    fn each_value(&self, name: &str, f: &mut dyn FnMut(&[u8])) {
        each_of(self.iter().map(|(key, value)| (key, value)), name, f);
    }
}

impl Extractor for Vec<(String, String)> {
    fn each_value(&self, name: &str, f: &mut dyn FnMut(&[u8])) {
        self[..].each_value(name, f);
    }
}

impl Injector for Vec<(String, String)> {
    fn set(&mut self, name: &str, value: Option<String>) {
        self.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self.extend(value.map(|value| (name.to_owned(), value)));
    }
}
