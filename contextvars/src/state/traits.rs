//! [`Traits`]: what a declaration found out about its variable's type; and how it does, where the type is still known.

use std::fmt;
use std::marker::PhantomData;

/// What a variable's type can do, as far as contexts care; the declaration finds out.
#[doc(hidden)]
pub struct Traits<T> {
    pub debug: Option<Write<T>>,
    pub display: Option<Write<T>>,
    pub eq: Option<fn(&T, &T) -> bool>,
    pub serialize: Option<Erase<T>>,
}

impl<T> Traits<T> {
    /// Nothing at all.
    pub(crate) const NONE: Self = Self { debug: None, display: None, eq: None, serialize: None };
}

type Write<T> = fn(&T, &mut fmt::Formatter<'_>) -> fmt::Result;

/// Makes something of a value that any serialiser can take.
#[cfg(feature = "serde")]
type Erase<T> = fn(&T) -> &dyn erased_serde::Serialize;

/// Without the `serde` feature there is nobody to ask; the field is there all the same, for expansions to fill.
#[cfg(not(feature = "serde"))]
type Erase<T> = fn(&T) -> std::convert::Infallible;

/// Finds out, in a constant, which traits `T` has: where `T` has the trait, the constant of the inherent `impl` is
/// found before the one of [`Absent`].
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

/// The answers of [`Probe`] where `T` has not got the trait.
#[doc(hidden)]
pub trait Absent<T> {
    const DEBUG: Option<Write<T>> = None;
    const DISPLAY: Option<Write<T>> = None;
    const EQ: Option<fn(&T, &T) -> bool> = None;
    const SERIALIZE: Option<Erase<T>> = None;
}

impl<T> Absent<T> for Probe<T> {}
