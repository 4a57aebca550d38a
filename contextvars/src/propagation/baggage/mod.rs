//! Baggage: one header for all variables that are declared with `baggage = "key"`.

mod list;
mod member;
mod percent;
mod read;
mod settings;
mod write;

pub use self::list::{Baggage, Members};
pub use self::member::Member;
pub use self::settings::Settings;

use super::carrier::{Extractor, Injector};
use super::skipped::Skipped;
use crate::context::Context;

/// The name of the header.
pub const NAME: &str = "baggage";

/// Sets the variables from the baggage of a request in `context`, and returns it with the members that were left out.
///
/// Only variables declared with `baggage` are set. A request without baggage costs a lookup in the carrier; otherwise
/// each member is parsed, and its key looked up among those of the variables. For other limits than those of the
/// specification, use [`Settings::extract`].
///
/// The `FromStr` of a type runs in `context`: variables that it sets are set in the returned context. The `Extractor`'s
/// methods run in the current one.
///
/// # Panics
/// If the `FromStr` of a variable's type panics.
///
/// # Examples
///
/// ```
/// # use contextvars::{Context, baggage, context_var};
/// #[context_var(baggage = "shop")]
/// static SHOP: u32;
///
/// # fn main() {
/// let headers = [("Baggage".to_owned(), "shop=seven,user=ada".to_owned())];
/// let (ctx, skipped) = baggage::extract(&headers[..], Context::new());
/// assert!(!ctx.contains(&SHOP));
/// assert_eq!(
///     skipped[0].to_string(),
///     r#"the baggage member "shop" was left out: its value cannot be read as `u32`"#
/// );
/// # }
/// ```
#[must_use = "the variables are set only in the returned context"]
pub fn extract(carrier: &(impl Extractor + ?Sized), context: Context) -> (Context, Vec<Skipped>) {
    Settings::new().extract(carrier, context)
}

/// Writes the baggage header for the current context, and returns the members that were left out.
///
/// An existing header is replaced, or removed if there is nothing to send. O(n) in the program's variables with
/// `baggage`, plus formatting those that are set. For other limits, use [`Settings::inject`].
///
/// The `Display` and the `FromStr` of a value, which may be read again for comparison, run in a copy of the current
/// context: variables that they set are lost.
///
/// # Panics
/// If the `Display` of a value panics or returns an error.
///
/// # Examples
///
/// ```
/// # use std::collections::HashMap;
/// # use contextvars::{baggage, context_var, with_context};
/// #[context_var(baggage = "floor")]
/// static FLOOR: u32;
///
/// # fn main() {
/// let mut headers = HashMap::new();
/// with_context!(FLOOR = 7, { baggage::inject(&mut headers) });
/// assert_eq!(headers["baggage"], "floor=7");
/// # }
/// ```
pub fn inject(carrier: &mut (impl Injector + ?Sized)) -> Vec<Skipped> {
    Settings::new().inject(carrier)
}
