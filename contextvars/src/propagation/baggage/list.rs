//! [`Baggage`]: the members of a header, and the conversion of variables to members and back.

use std::fmt;
use std::sync::Arc;

use super::member::{Member, Parts};
use super::settings::Settings;
use crate::context::{Context, copy_context};
use crate::propagation::by_key::{BAGGAGE, Entry};
use crate::propagation::skipped::{Reason, Skipped};
use crate::state::{ContextVar, Traits};
use crate::variable::Variable;

/// The baggage received with the request of the current context. Declared without the macro, and hidden, so that
/// neither `variables()` nor the methods of a context show it.
pub(super) static RECEIVED_BAGGAGE: ContextVar<Baggage> = ContextVar::declared(
    Variable::declared("RECEIVED_BAGGAGE", module_path!(), file!(), line!(), column!()).hidden(),
    None,
    Traits::NONE,
);

/// The members of a baggage header, as they are sent: encoded, without white space, one for each key.
///
/// [`extract`](crate::baggage::extract) and [`inject`](crate::baggage::inject) are sufficient for most uses; this type
/// is for other kinds of carriers. Its `Display` is the header's value; its `Debug` shows the keys only.
///
/// # Examples
///
/// ```
/// use contextvars::baggage::Baggage;
///
/// let (baggage, skipped) = Baggage::parse(["user = ada l, =x", "rate=100%;ttl=60"]);
/// let members: Vec<_> = baggage.iter().map(|member| (member.key(), member.value())).collect();
/// assert_eq!(members, [("user", "ada l".into()), ("rate", "100%".into())]);
/// assert_eq!(baggage.to_string(), "user=ada%20l,rate=100%25;ttl=60");
/// assert!(skipped[0].is_malformed());
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Baggage {
    /// `MEMBER,MEMBER`, with no other commas.
    header: Arc<str>,
}

impl Baggage {
    /// The header must be in the form in which it is sent.
    pub(super) fn from_header(header: &str) -> Self {
        Self { header: header.into() }
    }

    /// The number of bytes of the header.
    pub(super) fn bytes(&self) -> usize {
        self.header.len()
    }

    /// The members of such a header.
    pub(super) fn members_of(header: &str) -> Members<'_> {
        Members { texts: Parts::of(header, b',') }
    }

    /// Reads the values of one or several headers, in their order.
    ///
    /// White space around the parts is ignored, and characters that should have been percent-encoded are encoded. Of
    /// several members with one key the last is used. Each member that is malformed or beyond the specification's
    /// limits is left out; [`Settings::parse`] has other limits. Never panics, for any bytes. O(n).
    #[must_use]
    pub fn parse<H: AsRef<[u8]>>(headers: impl IntoIterator<Item = H>) -> (Self, Vec<Skipped>) {
        Settings::new().parse(headers)
    }

    /// Returns the members to be sent from `context`: the variables that are declared with `baggage` and are set, and
    /// the received members with keys that no variable has.
    ///
    /// Received members keep their places; the others follow in the order of their keys. If not all fit within the
    /// specification's limits, variables come before received members without a variable; [`Settings::of`] has other
    /// limits.
    ///
    /// # Panics
    /// If the `Display` of a value panics or returns an error.
    #[must_use]
    pub fn of(context: &Context) -> (Self, Vec<Skipped>) {
        Settings::new().of(context)
    }

    /// Returns the members to be sent from the current context; see [`of`](Self::of).
    ///
    /// # Panics
    /// If the `Display` of a value panics or returns an error.
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::baggage::Baggage;
    /// use contextvars::{context_var, with_context};
    ///
    /// #[context_var(baggage = "aisle")]
    /// static AISLE: u32;
    ///
    /// # fn main() {
    /// let (sent, skipped) = with_context!(AISLE = 7, { Baggage::current() });
    /// assert_eq!((sent.to_string().as_str(), sent.len(), skipped.len()), ("aisle=7", 1, 0));
    /// # }
    /// ```
    #[must_use]
    pub fn current() -> (Self, Vec<Skipped>) {
        Self::of(&copy_context())
    }

    /// Sets the variables with the keys of these members, and returns the context.
    ///
    /// A value that cannot be read as the variable's type is left out. Members without a variable are kept in the
    /// context, too, to be forwarded.
    ///
    /// # Panics
    /// If the `FromStr` of a variable's type panics.
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::baggage::Baggage;
    /// use contextvars::{Context, context_var};
    ///
    /// #[context_var(baggage = "warehouse")]
    /// static WAREHOUSE: u32;
    ///
    /// # fn main() {
    /// let (received, _) = Baggage::parse(["warehouse=7,plan=pro"]);
    /// let (mut ctx, skipped) = received.apply(Context::new());
    /// assert_eq!(ctx[&WAREHOUSE], 7);
    /// assert!(skipped.is_empty());
    ///
    /// ctx.run(|| WAREHOUSE.set(8));
    /// let (sent, _) = Baggage::of(&ctx);
    /// assert_eq!(sent.to_string(), "warehouse=8,plan=pro");
    /// # }
    /// ```
    #[must_use]
    pub fn apply(self, mut context: Context) -> (Context, Vec<Skipped>) {
        let mut skipped = Vec::new();
        let mut left_out = Vec::new();
        for member in &self {
            for Entry { var, .. } in BAGGAGE.of(member.key()) {
                context = var.read(&member.value(), context).unwrap_or_else(|context| {
                    let type_name = var.variable().type_name();
                    skipped.push(Skipped::member(member.key(), Reason::WrongValue { type_name }));
                    left_out.push(member.key());
                    context
                });
            }
        }
        let kept = if left_out.is_empty() {
            self
        } else {
            let kept = self.iter().filter(|member| !left_out.contains(&member.key()));
            Self::from_header(&kept.map(Member::as_str).collect::<Vec<_>>().join(","))
        };
        // The members of an outer request, if there is one, do not belong to this one.
        if !kept.is_empty() || context.contains(&RECEIVED_BAGGAGE) {
            context = context.with(&RECEIVED_BAGGAGE, kept);
        }
        (context, skipped)
    }

    /// Returns the members, in their order.
    #[must_use]
    pub fn iter(&self) -> Members<'_> {
        Self::members_of(&self.header)
    }

    /// Returns the number of members. O(n).
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Returns whether there are no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.header.is_empty()
    }
}

impl<'a> IntoIterator for &'a Baggage {
    type Item = Member<'a>;
    type IntoIter = Members<'a>;

    fn into_iter(self) -> Members<'a> {
        self.iter()
    }
}

impl fmt::Display for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.header)
    }
}

impl fmt::Debug for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// The members of [`Baggage`]; [`Baggage::iter`] returns it.
///
/// # Examples
///
/// ```
/// use contextvars::baggage::Baggage;
///
/// let (baggage, _) = Baggage::parse(["a=1,b=2"]);
/// let mut keys = Vec::new();
/// for member in &baggage {
///     keys.push(member.key());
/// }
/// assert_eq!(keys, ["a", "b"]);
/// ```
#[derive(Clone)]
pub struct Members<'a> {
    texts: Parts<'a>,
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        // An empty string has one part, which is empty.
        self.texts.next().filter(|text| !text.is_empty()).map(Member::new)
    }
}
