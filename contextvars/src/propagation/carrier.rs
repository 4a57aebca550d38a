//! Carriers: the containers of headers.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

/// A container from which headers can be read.
///
/// Implemented for `http::HeaderMap` and for maps and lists of strings, whose names are compared case-insensitively.
///
/// # Examples
///
/// ```
/// use contextvars::headers::{self, Extractor};
/// use contextvars::{Context, context_var};
///
/// #[context_var(header = "account")]
/// static ACCOUNT: u32;
///
/// struct Envelope {
///     account: Option<String>,
/// }
///
/// impl Extractor for Envelope {
///     fn each_value(&self, name: &str, f: &mut dyn FnMut(&[u8])) {
///         if let Some(value) = self.account.as_deref().filter(|_| name == "account") {
///             f(value.as_bytes());
///         }
///     }
/// }
///
/// # fn main() {
/// let envelope = Envelope { account: Some("7".to_owned()) };
/// let (ctx, _) = headers::extract(&envelope, Context::new());
/// assert_eq!(ctx[&ACCOUNT], 7);
/// # }
/// ```
pub trait Extractor {
    /// Calls `f` with the value of each header of this name, in their order. The name is in lower case.
    fn each_value(&self, name: &str, f: &mut dyn FnMut(&[u8]));
}

/// A container to which headers can be written.
///
/// Implemented for `http::HeaderMap` and for maps and lists of strings. A `HeaderMap` with 24,576 names is full: it
/// takes no header more.
///
/// # Examples
///
/// ```
/// use contextvars::headers::{self, Injector};
/// use contextvars::{context_var, with_context};
///
/// #[context_var(header = "order")]
/// static ORDER: u32;
///
/// #[derive(Default)]
/// struct Envelope {
///     order: Option<String>,
/// }
///
/// impl Injector for Envelope {
///     fn set(&mut self, name: &str, value: Option<String>) {
///         if name == "order" {
///             self.order = value;
///         }
///     }
/// }
///
/// # fn main() {
/// let mut envelope = Envelope::default();
/// with_context!(ORDER = 7, { headers::inject(&mut envelope) });
/// assert_eq!(envelope.order.as_deref(), Some("7"));
///
/// // If the variable is not set, the header is removed.
/// headers::inject(&mut envelope);
/// assert_eq!(envelope.order, None);
/// # }
/// ```
pub trait Injector {
    /// Makes `value` the only header of this name; with `None`, removes all of this name. The name is in lower case.
    fn set(&mut self, name: &str, value: Option<String>);
}

/// Calls `f` with the values under `name`, compared case-insensitively.
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
