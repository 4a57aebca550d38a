//! `http::HeaderMap` as a carrier of headers.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::propagation::{Extractor, Format, Injector, Skipped};

impl Extractor for HeaderMap {
    fn each_value(&self, name: &str, f: &mut dyn FnMut(&[u8])) {
        self.get_all(name).iter().for_each(|value| f(value.as_bytes()));
    }
}

impl Injector for HeaderMap {
    fn set(&mut self, name: &str, value: Option<String>) {
        self.remove(name);
        // Names are tokens, and values printable ASCII, so neither conversion fails; the insertion does in a full map.
        if let (Ok(name), Some(Ok(value))) = (HeaderName::try_from(name), value.map(HeaderValue::try_from)) {
            let _ = self.try_insert(name, value);
        }
    }
}

/// Returns the headers of the current context in this format, and the ones that were left out.
///
/// For clients whose requests take a map of headers, such as `.headers(..)` of `reqwest`.
///
/// # Panics
/// If the `Display` of a value panics or returns an error.
///
/// # Examples
///
/// ```
/// use contextvars::{baggage, context_var, headers, with_context};
///
/// #[context_var(header = "x-correlation-id", baggage = "correlation")]
/// static CORRELATION_ID: u32;
///
/// /// The format of outgoing requests.
/// const SENT: (headers::Settings, baggage::Settings) = (headers::Settings::new(), baggage::Settings::new());
///
/// # fn main() {
/// // client.get(url).headers(headers::current(&SENT).0)
/// let (sent, skipped) = with_context!(CORRELATION_ID = 7, { headers::current(&SENT) });
/// assert_eq!(sent["x-correlation-id"], "7");
/// assert_eq!(sent["baggage"], "correlation=7");
/// assert!(skipped.is_empty());
/// # }
/// ```
#[must_use]
pub fn current(format: &impl Format) -> (HeaderMap, Vec<Skipped>) {
    let mut headers = HeaderMap::new();
    let skipped = format.inject(&mut headers);
    (headers, skipped)
}
