//! [`Skipped`]: why a header, a member of baggage, or a property of one was left out.

use std::error::Error;
use std::fmt;

/// A header or a member of baggage that was left out, or properties of a member, with the reason.
///
/// Does not contain the value, so that it can be logged.
///
/// # Examples
///
/// ```
/// use contextvars::headers;
/// use contextvars::{Context, context_var};
///
/// #[context_var(header = "row")]
/// static ROW: u32;
///
/// # fn main() {
/// let headers = vec![("row".to_owned(), "first".to_owned())];
/// let (_, skipped) = headers::extract(&headers, Context::new());
/// assert_eq!(skipped[0].key(), "row");
/// assert!(skipped[0].is_wrong_value() && !skipped[0].is_malformed() && !skipped[0].is_over_limit());
/// assert_eq!(skipped[0].to_string(), r#"the header "row" was left out: its value cannot be read as `u32`"#);
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Skipped {
    what: What,
    key: Box<str>,
    reason: Reason,
}

/// The part that was left out.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "baggage"), expect(dead_code, reason = "members are what baggage has"))]
enum What {
    /// A header with the value of one variable.
    Header,
    Member,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(not(feature = "baggage"), expect(dead_code, reason = "members are what baggage has"))]
pub(super) enum Reason {
    /// A header that was received more than once.
    Several,
    /// A header has no value.
    Empty,
    /// The value of a header has a character that is not allowed.
    WrongCharacter,
    NoEquals,
    WrongKey,
    /// The member was kept, without the properties whose keys are wrong.
    WrongProperty,
    /// The value cannot be read as the variable's type.
    WrongValue {
        type_name: &'static str,
    },
    /// With the member there would be more members than this.
    TooMany(usize),
    /// A header has more bytes than this, or would have with the member.
    TooLong(usize),
}

impl Skipped {
    /// A header that was left out.
    pub(super) fn header(name: &'static str, reason: Reason) -> Self {
        Self { what: What::Header, key: name.into(), reason }
    }

    /// A header that was left out, since its value is not one of the variable's type.
    #[cfg(feature = "deadline")]
    pub(crate) fn wrong_value(name: &'static str, type_name: &'static str) -> Self {
        Self::header(name, Reason::WrongValue { type_name })
    }

    /// A member of baggage that was left out.
    #[cfg(feature = "baggage")]
    pub(super) fn member(key: &str, reason: Reason) -> Self {
        /// Enough to identify it.
        const LONGEST: usize = 64;
        Self { what: What::Member, key: key.chars().take(LONGEST).collect(), reason }
    }

    /// Returns the header's name, or the first 64 characters of the member's key. For a member without `=`, they are
    /// those of the member without its properties.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns whether the member does not conform to the specification, or the header was received more than once, is
    /// empty, or has a character that is not allowed.
    #[must_use]
    pub fn is_malformed(&self) -> bool {
        use Reason::{Empty, NoEquals, Several, WrongCharacter, WrongKey, WrongProperty};
        matches!(self.reason, Several | Empty | WrongCharacter | NoEquals | WrongKey | WrongProperty)
    }

    /// Returns whether the value could not be read as the type of the variable with this name or key.
    #[must_use]
    pub fn is_wrong_value(&self) -> bool {
        matches!(self.reason, Reason::WrongValue { .. })
    }

    /// Returns whether the header or member exceeded a limit of the format's settings.
    #[must_use]
    pub fn is_over_limit(&self) -> bool {
        matches!(self.reason, Reason::TooMany(_) | Reason::TooLong(_))
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match (self.what, self.reason) {
            (What::Header, _) => write!(f, "the header {key:?} was left out: ")?,
            (What::Member, Reason::WrongProperty) => {
                write!(f, "properties of the baggage member {key:?} were left out: ")?;
            }
            (What::Member, _) => write!(f, "the baggage member {key:?} was left out: ")?,
        }
        match self.reason {
            Reason::Several => f.write_str("it was received more than once, which makes its value ambiguous"),
            Reason::Empty => f.write_str("its value is empty"),
            Reason::WrongCharacter => f.write_str("its value is not printable ASCII, or begins or ends with a space"),
            Reason::NoEquals => f.write_str("it has no `=`"),
            Reason::WrongKey => f.write_str("its key is empty or has a character that is not allowed in a key"),
            Reason::WrongProperty => {
                f.write_str("their keys are empty or have characters that are not allowed in a key")
            }
            Reason::WrongValue { type_name } => write!(f, "its value cannot be read as `{type_name}`"),
            Reason::TooMany(most) => write!(f, "with it there would be more than {most} members, which is the limit"),
            Reason::TooLong(most) => match self.what {
                What::Header => write!(f, "its value is longer than {most} bytes, which is the limit"),
                What::Member => write!(f, "with it the header would be longer than {most} bytes, which is the limit"),
            },
        }
    }
}

impl fmt::Debug for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Skipped").field(&format_args!("{self}")).finish()
    }
}

impl Error for Skipped {}
