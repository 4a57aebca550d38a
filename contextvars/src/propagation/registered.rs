//! The list of the variables that are declared with `baggage = "key"` or `header = "name"`.
//!
//! It exists with and without the feature `headers`: a library may declare such a variable and leave it to the program
//! whether it is sent.

#[cfg(feature = "headers")]
use super::by_key::Propagated;
use super::text::Text;
use crate::state::ContextVar;

/// A variable that is sent, with the conversion of its values to text and back.
#[cfg(feature = "headers")]
pub struct PropagatedVar<T: 'static> {
    pub(super) var: &'static ContextVar<T>,
    pub(super) text: Text<T>,
}

/// A variable that would be sent if the feature `headers` were enabled.
#[cfg(not(feature = "headers"))]
pub struct PropagatedVar<T: 'static>(std::marker::PhantomData<fn() -> T>);

impl<T: Send + Sync + 'static> PropagatedVar<T> {
    /// Called by a declaration with `baggage` or `header`.
    #[must_use]
    pub const fn new(var: &'static ContextVar<T>, text: Text<T>) -> Self {
        #[cfg(feature = "headers")]
        {
            Self { var, text }
        }
        #[cfg(not(feature = "headers"))]
        {
            let _ = (var, text);
            Self(std::marker::PhantomData)
        }
    }
}

/// The entry of a declaration with `baggage = "key"` or `header = "name"`.
#[derive(Clone, Copy)]
pub struct PropagatedEntry(#[cfg(feature = "headers")] pub(super) &'static dyn Propagated);

impl PropagatedEntry {
    /// The entry of `propagated`.
    #[must_use]
    pub const fn new<T: Send + Sync + 'static>(propagated: &'static PropagatedVar<T>) -> Self {
        #[cfg(feature = "headers")]
        {
            Self(propagated)
        }
        #[cfg(not(feature = "headers"))]
        {
            let _ = propagated;
            Self()
        }
    }
}

inventory::collect!(PropagatedEntry);
