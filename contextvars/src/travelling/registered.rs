//! The list of the variables that travel, which the declarations with `baggage = "key"` fill.
//!
//! It is there with and without the `baggage` feature: a library may declare such a variable and leave it to the
//! program whether anything comes of it.

use std::fmt::Display;
use std::str::FromStr;

use crate::state::ContextVar;

#[cfg(feature = "baggage")]
use crate::{context::Context, variable::Variable};

/// The entry of a declaration with `baggage = "key"`.
#[derive(Clone, Copy)]
pub struct Travelling(#[cfg(feature = "baggage")] &'static dyn Travels);

impl Travelling {
    /// The entry of `var`.
    #[must_use]
    pub const fn new<T: Display + FromStr + Send + Sync + 'static>(var: &'static ContextVar<T>) -> Self {
        #[cfg(feature = "baggage")]
        {
            Self(var)
        }
        #[cfg(not(feature = "baggage"))]
        {
            let _ = var;
            Self()
        }
    }
}

inventory::collect!(Travelling);

/// The variables that travel.
#[cfg(feature = "baggage")]
pub(super) fn travelling() -> impl Iterator<Item = &'static dyn Travels> {
    inventory::iter::<Travelling>.into_iter().map(|entry| entry.0)
}

/// The variables that travel under `key`: one, unless two declarations disagree.
#[cfg(feature = "baggage")]
pub(super) fn travelling_as(key: &str) -> impl Iterator<Item = &'static dyn Travels> {
    travelling().filter(move |var| var.variable().baggage_key() == Some(key))
}

/// A variable that travels, whatever its type.
#[cfg(feature = "baggage")]
pub(super) trait Travels: Sync {
    fn variable(&'static self) -> &'static Variable;

    /// The value in `context`, as text. `None`: it is not set there.
    fn text(&'static self, context: &Context) -> Option<String>;

    /// The text of the value that `text` stands for. `None`: it stands for none.
    fn as_written_here(&self, text: &str) -> Option<String>;

    /// `context` with the value that `text` stands for, or as it was, if it stands for none.
    fn read(&'static self, text: &str, context: Context) -> Result<Context, Context>;
}

#[cfg(feature = "baggage")]
impl<T: Display + FromStr + Send + Sync + 'static> Travels for ContextVar<T> {
    fn variable(&'static self) -> &'static Variable {
        self.variable()
    }

    fn text(&'static self, context: &Context) -> Option<String> {
        context.get(self).map(T::to_string)
    }

    fn as_written_here(&self, text: &str) -> Option<String> {
        text.parse::<T>().ok().as_ref().map(T::to_string)
    }

    fn read(&'static self, text: &str, context: Context) -> Result<Context, Context> {
        match text.parse() {
            Ok(value) => Ok(context.with(self, value)),
            Err(_) => Err(context),
        }
    }
}
