//! [`Member`]: one entry of a baggage header.

use std::borrow::Cow;
use std::fmt;

use super::percent;

/// One member of a baggage header: a key, a value, and optional properties.
///
/// Its `Display` is the member as it is sent. Its `Debug` shows the key only, since the value may be secret.
///
/// # Examples
///
/// ```
/// use contextvars::baggage::Baggage;
///
/// let (baggage, _) = Baggage::parse(["token = a%20b ; ttl=60;note=x%20y;private"]);
/// let member = baggage.iter().next().unwrap();
/// assert_eq!((member.key(), &*member.value()), ("token", "a b"));
///
/// let properties: Vec<_> = member.properties().collect();
/// assert_eq!(properties, [("ttl", Some("60".into())), ("note", Some("x y".into())), ("private", None)]);
///
/// assert_eq!(format!("{member:?}"), r#"Member { key: "token", .. }"#);
/// assert_eq!(member.to_string(), "token=a%20b;ttl=60;note=x%20y;private");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Member<'a> {
    /// `KEY=VALUE;PROPERTY;..`, with no other `;`, where the first `=` ends the key.
    text: &'a str,
}

impl<'a> Member<'a> {
    /// The text must be a member in the form in which it is sent.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// Returns the key.
    #[must_use]
    pub fn key(self) -> &'a str {
        self.key_and_rest().0
    }

    /// Returns the value, decoded. Allocates only if a part of it is encoded.
    #[must_use]
    pub fn value(self) -> Cow<'a, str> {
        percent::decode(self.encoded_value())
    }

    /// Returns the properties: their keys, and their values where they have one, decoded.
    pub fn properties(self) -> impl Iterator<Item = (&'a str, Option<Cow<'a, str>>)> {
        Parts::of(self.text, b';').skip(1).map(|property| match split_once(property, b'=') {
            Some((key, value)) => (key, Some(percent::decode(value))),
            None => (property, None),
        })
    }

    pub(super) fn encoded_value(self) -> &'a str {
        let (_, rest) = self.key_and_rest();
        split_once(rest, b';').map_or(rest, |(value, _)| value)
    }

    fn key_and_rest(self) -> (&'a str, &'a str) {
        split_once(self.text, b'=').unwrap_or((self.text, ""))
    }

    /// The member as in the header.
    pub(super) fn as_str(self) -> &'a str {
        self.text
    }
}

impl fmt::Display for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl fmt::Debug for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("key", &self.key()).finish_non_exhaustive()
    }
}

/// Splits at the first separator, which is ASCII.
///
/// Like the method of `str`, but faster for short texts such as those in headers.
#[inline]
pub(super) fn split_once(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == separator)?;
    Some((&text[..at], &text[at + 1..]))
}

/// The parts between separators, which are ASCII.
#[derive(Clone)]
pub(super) struct Parts<'a> {
    rest: Option<&'a str>,
    separator: u8,
}

impl<'a> Parts<'a> {
    #[inline]
    pub(super) fn of(text: &'a str, separator: u8) -> Self {
        Self { rest: Some(text), separator }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.take()?;
        let Some((part, rest)) = split_once(rest, self.separator) else { return Some(rest) };
        self.rest = Some(rest);
        Some(part)
    }
}
