//! [`Skipped`]: why a member of baggage, or a property of one, was left out.

use std::error::Error;
use std::fmt;

/// A member of baggage that was left out, or properties of one, and why.
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
/// let (kept, skipped) = Baggage::parse(["tenant=acme,user name=ada"]);
/// assert_eq!(kept.to_string(), "tenant=acme");
/// assert_eq!(skipped[0].key(), "user name");
/// assert!(skipped[0].is_malformed() && !skipped[0].is_over_limit());
/// assert_eq!(
///     skipped[0].to_string(),
///     r#"the baggage member "user name" was left out: its key is empty or has a character that a key cannot have"#
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
    /// The member was kept, without the properties whose keys are wrong.
    WrongProperty,
    /// It is not what the variable's type can be read from.
    WrongValue {
        type_name: &'static str,
    },
    /// With it there would be more members than this.
    TooMany(usize),
    /// With it there would be more bytes than this.
    TooLong(usize),
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
        matches!(self.reason, Reason::NoEquals | Reason::WrongKey | Reason::WrongProperty)
    }

    /// Returns whether the value could not be read as one of the variable that travels under this key.
    #[must_use]
    pub fn is_wrong_value(&self) -> bool {
        matches!(self.reason, Reason::WrongValue { .. })
    }

    /// Returns whether the member did not fit within the limits, which [`Settings`](crate::baggage::Settings) say.
    #[must_use]
    pub fn is_over_limit(&self) -> bool {
        matches!(self.reason, Reason::TooMany(_) | Reason::TooLong(_))
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match self.reason {
            Reason::WrongProperty => write!(f, "properties of the baggage member {key:?} were left out: ")?,
            _ => write!(f, "the baggage member {key:?} was left out: ")?,
        }
        match self.reason {
            Reason::NoEquals => f.write_str("it has no `=`"),
            Reason::WrongKey => f.write_str("its key is empty or has a character that a key cannot have"),
            Reason::WrongProperty => f.write_str("their keys are empty or have characters that a key cannot have"),
            Reason::WrongValue { type_name } => write!(f, "its value cannot be read as `{type_name}`"),
            Reason::TooMany(most) => write!(f, "there would be more than {most} members, which is the limit here"),
            Reason::TooLong(most) => write!(f, "the header would be longer than {most} bytes, which is the limit here"),
        }
    }
}

impl fmt::Debug for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Skipped").field(&format_args!("{self}")).finish()
    }
}

impl Error for Skipped {}
