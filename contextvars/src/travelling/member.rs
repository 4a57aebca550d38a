//! [`Member`]: one entry of a baggage header.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::percent;
use super::skipped::Reason;

/// One member of a baggage header: a key, a value, and perhaps properties.
///
/// What came in is kept as it came. Its `Debug` shows the key alone: it is not known how secret the value is.
///
/// # Examples
///
/// ```
/// use contextvars::baggage::Baggage;
///
/// let (baggage, _) = Baggage::parse(["token=a%20b;ttl=60;private"]);
/// let member = baggage.iter().next().unwrap();
/// assert_eq!((member.key(), &*member.value()), ("token", "a b"));
/// assert!(member.properties().eq([("ttl", Some("60")), ("private", None)]));
/// assert_eq!(format!("{member:?}"), r#"Member { key: "token", .. }"#);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Member {
    /// `KEY = VALUE ; PROPERTY ; ..` with nothing around it: a list-member by the specification's grammar.
    text: Box<str>,
    /// Where the key ends.
    key: usize,
    /// Where the value is.
    value: Range<usize>,
}

impl Member {
    /// Makes a member of a key and a value, which is encoded. The key must be valid.
    pub(super) fn new(key: &str, value: &str) -> Self {
        let mut text = format!("{key}=");
        let begin = text.len();
        percent::encode(value, &mut text);
        Self { key: key.len(), value: begin..text.len(), text: text.into() }
    }

    /// Reads a member that has nothing around it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Reason> {
        // What is put in the place of bytes that are no text is not ASCII, and so not allowed anywhere either.
        let text = &*String::from_utf8_lossy(bytes);
        let end_of_value = text.find(';').unwrap_or(text.len());
        let Some(equals) = text[..end_of_value].find('=') else { return Err(Reason::NoEquals) };
        let key = without_space(&text[..equals]);
        if !is_key(key) {
            return Err(Reason::WrongKey);
        }
        let value = text[equals + 1..end_of_value].trim_start_matches(SPACE);
        let begin = end_of_value - value.len();
        let value = without_space(value);
        if !is_value(value) {
            return Err(Reason::WrongCharacter);
        }
        if !properties(&text[end_of_value..]).all(|(key, value)| is_key(key) && value.is_none_or(is_value)) {
            return Err(Reason::WrongProperty);
        }
        Ok(Self { key: key.len(), value: begin..begin + value.len(), text: text.into() })
    }

    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.text[..self.key]
    }

    /// Returns the value, decoded. Allocates only if something of it was encoded.
    #[must_use]
    pub fn value(&self) -> Cow<'_, str> {
        percent::decode(&self.text[self.value.clone()])
    }

    /// Returns the properties, as they are written: keys, and values where they have one.
    pub fn properties(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        properties(&self.text[self.value.end..])
    }

    /// The member as it stands in the header.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("key", &self.key()).finish_non_exhaustive()
    }
}

/// Optional white space, in the words of the specification.
pub(super) const SPACE: [char; 2] = [' ', '\t'];

fn without_space(text: &str) -> &str {
    text.trim_matches(SPACE)
}

/// The keys and values in ` ; KEY = VALUE ; KEY`.
fn properties(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    text.split(';').skip(1).map(|property| match property.split_once('=') {
        Some((key, value)) => (without_space(key), Some(without_space(value))),
        None => (without_space(property), None),
    })
}

fn is_value(text: &str) -> bool {
    text.bytes().all(percent::is_allowed)
}

/// Whether the text is a token of HTTP's.
fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
