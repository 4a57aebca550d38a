//! [`Traits`]: the traits of a variable's type, which the declaration detects while the type is still known.

use std::fmt;
use std::marker::PhantomData;

/// The implementations of the traits that contexts use, as far as the variable's type has them.
#[doc(hidden)]
pub struct Traits<T> {
    pub debug: Option<Write<T>>,
    pub display: Option<Write<T>>,
    pub eq: Option<fn(&T, &T) -> bool>,
    pub serialize: Option<Erase<T>>,
}

impl<T> Traits<T> {
    /// No traits.
    pub(crate) const NONE: Self = Self { debug: None, display: None, eq: None, serialize: None };
}

type Write<T> = fn(&T, &mut fmt::Formatter<'_>) -> fmt::Result;

/// Converts a value to a form for any serialiser.
#[cfg(feature = "serde")]
type Erase<T> = fn(&T) -> &dyn erased_serde::Serialize;

/// Never used without the feature `serde`; the field exists all the same, because expansions fill it.
#[cfg(not(feature = "serde"))]
type Erase<T> = fn(&T) -> std::convert::Infallible;

/// Detects in constants which traits `T` has: if `T` has the trait, the constant of the inherent `impl` takes
/// precedence over the one of [`Absent`].
#[doc(hidden)]
pub struct Probe<T>(PhantomData<T>);

impl<T: fmt::Debug> Probe<T> {
    pub const DEBUG: Option<Write<T>> = Some(<T as fmt::Debug>::fmt);
}

impl<T: fmt::Display> Probe<T> {
    pub const DISPLAY: Option<Write<T>> = Some(<T as fmt::Display>::fmt);
}

#[cfg(feature = "serde")]
impl<T: serde_core::Serialize> Probe<T> {
    pub const SERIALIZE: Option<Erase<T>> = Some(|value| value);
}

impl<T: PartialEq> Probe<T> {
    pub const EQ: Option<fn(&T, &T) -> bool> = Some(<T as PartialEq>::eq);
}

/// The constants of [`Probe`] for types without the trait.
#[doc(hidden)]
pub trait Absent<T> {
    const DEBUG: Option<Write<T>> = None;
    const DISPLAY: Option<Write<T>> = None;
    const EQ: Option<fn(&T, &T) -> bool> = None;
    const SERIALIZE: Option<Erase<T>> = None;
}

impl<T> Absent<T> for Probe<T> {}
