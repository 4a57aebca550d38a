//! [`AsText`]: values that can be written into a header and read from one.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

/// Whether the text is a token of HTTP: the name of a header, or a key of baggage. The macros have the same list; a
/// test compares the two.
#[cfg(feature = "baggage")]
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// A type whose values are sent as text. `Way` is the kind of conversion, and is inferred: each type has exactly one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent in `header` or `baggage`",
    label = "needs `Display` and `FromStr`",
    note = "also allowed: `Arc<str>`, `Box<str>`, `Cow<'static, str>`, and `Arc`, `Box`, `Option` of such types"
)]
#[doc(hidden)]
pub trait AsText<Way>: Sized {
    /// Returns the text to be written, or `None` if the value is not sent.
    fn shown(&self) -> Option<&dyn Display>;

    /// Returns the value parsed from the text, or `None` if the text is not a value.
    fn read(text: &str) -> Option<Self>;
}

/// By the type's own `FromStr`.
#[doc(hidden)]
pub enum Parsed {}

/// By its conversion from `str`, for types without `FromStr`.
#[doc(hidden)]
pub enum Converted {}

/// As the value that it points to.
#[doc(hidden)]
pub enum Pointed {}

/// As the value in it, if it is `Some`.
#[doc(hidden)]
pub struct Optional<Way>(Way);

impl<T: Display + FromStr> AsText<Parsed> for T {
    fn shown(&self) -> Option<&dyn Display> {
        Some(self)
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

macro_rules! converted {
    ($($ty:ty),*) => {$(
        #[diagnostic::do_not_recommend]
        impl AsText<Converted> for $ty {
            fn shown(&self) -> Option<&dyn Display> {
                Some(self)
            }

            fn read(text: &str) -> Option<Self> {
                Some(text.to_owned().into())
            }
        }
    )*};
}

converted!(Arc<str>, Box<str>, Cow<'static, str>);

macro_rules! pointed {
    ($($pointer:ident),*) => {$(
        #[diagnostic::do_not_recommend]
        impl<T: Display + FromStr> AsText<Pointed> for $pointer<T> {
            fn shown(&self) -> Option<&dyn Display> {
                Some(self)
            }

            fn read(text: &str) -> Option<Self> {
                text.parse().ok().map(Self::new)
            }
        }
    )*};
}

pointed!(Arc, Box);

#[diagnostic::do_not_recommend]
impl<Way, T: AsText<Way>> AsText<Optional<Way>> for Option<T> {
    fn shown(&self) -> Option<&dyn Display> {
        self.as_ref()?.shown()
    }

    fn read(text: &str) -> Option<Self> {
        T::read(text).map(Some)
    }
}

/// The conversion of a type's values to text and back.
#[doc(hidden)]
#[cfg_attr(not(feature = "headers"), expect(dead_code, reason = "nothing is written or read without that feature"))]
pub struct Text<T> {
    pub(super) shown: fn(&T) -> Option<&dyn Display>,
    pub(super) read: fn(&str) -> Option<T>,
}

impl<T> Text<T> {
    #[must_use]
    pub const fn new<Way>() -> Self
    where
        T: AsText<Way>,
    {
        Self { shown: T::shown, read: T::read }
    }
}
