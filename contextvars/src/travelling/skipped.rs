//! [`Skipped`]: why a member of baggage was left out.

use std::error::Error;
use std::fmt;

/// A member of baggage that was left out, and why.
///
/// The value is not in here, so that this can be logged.
///
/// # Examples
///
/// ```
/// use contextvars::baggage::Baggage;
/// use contextvars::{Context, context_var};
///
/// #[context_var(baggage = "row")]
/// static ROW: u32;
///
/// # fn main() {
/// let (kept, skipped) = Baggage::parse(["tenant=acme,user=a\"b"]);
/// assert_eq!(kept.to_string(), "tenant=acme");
/// assert_eq!(skipped[0].key(), "user");
/// assert!(skipped[0].is_malformed() && !skipped[0].is_over_limit());
/// assert_eq!(
///     skipped[0].to_string(),
///     r#"the baggage member "user" was left out: its value has a character that should have been percent-encoded"#
/// );
///
/// let (_, skipped) = Baggage::parse(["row=first"]).0.apply(Context::new());
/// assert!(skipped[0].is_wrong_value());
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Skipped {
    key: Box<str>,
    reason: Reason,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reason {
    NoEquals,
    WrongKey,
    WrongCharacter,
    WrongProperty,
    /// It is not what the variable's type can be read from.
    WrongValue {
        type_name: &'static str,
    },
    TooMany,
    TooLong,
}

impl Skipped {
    pub(super) fn new(key: &str, reason: Reason) -> Self {
        /// Enough to find it by.
        const LONGEST: usize = 64;
        Self { key: key.chars().take(LONGEST).collect(), reason }
    }

    /// Returns the key, or the first 64 characters of it or of what stood in its place.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns whether the member was not written as the specification asks.
    #[must_use]
    pub fn is_malformed(&self) -> bool {
        matches!(self.reason, Reason::NoEquals | Reason::WrongKey | Reason::WrongCharacter | Reason::WrongProperty)
    }

    /// Returns whether the value could not be read as one of the variable that travels under this key.
    #[must_use]
    pub fn is_wrong_value(&self) -> bool {
        matches!(self.reason, Reason::WrongValue { .. })
    }

    /// Returns whether the member did not fit within the limits: 64 members, 8,192 bytes.
    #[must_use]
    pub fn is_over_limit(&self) -> bool {
        matches!(self.reason, Reason::TooMany | Reason::TooLong)
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the baggage member {:?} was left out: ", self.key)?;
        match self.reason {
            Reason::NoEquals => f.write_str("it has no `=`"),
            Reason::WrongKey => f.write_str("its key is empty or has a character that a key cannot have"),
            Reason::WrongCharacter => f.write_str("its value has a character that should have been percent-encoded"),
            Reason::WrongProperty => f.write_str("one of its properties has a character that it cannot have"),
            Reason::WrongValue { type_name } => write!(f, "its value cannot be read as `{type_name}`"),
            Reason::TooMany => f.write_str("there are 64 members without it, and no more are allowed"),
            Reason::TooLong => f.write_str("with it the header would be longer than 8,192 bytes"),
        }
    }
}

impl fmt::Debug for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Skipped").field(&format_args!("{self}")).finish()
    }
}

impl Error for Skipped {}
