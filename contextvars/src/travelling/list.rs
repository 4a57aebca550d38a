//! [`Baggage`]: the members of a header, read from it or to be written, and how variables become members and back.

use std::fmt;
use std::sync::Arc;

use super::limits::{Budget, MOST_MEMBERS, within_limits};
use super::member::{Member, SPACE};
use super::registered::{Travels, travelling, travelling_as};
use super::skipped::{Reason, Skipped};
use crate::context::{Context, copy_context};
use crate::state::{ContextVar, Traits};
use crate::variable::Variable;

/// What came with the request that the current context is about. Declared without the macro, and hidden, so that neither
/// `variables()` nor a look at a context shows it.
static RECEIVED_BAGGAGE: ContextVar<Baggage> = ContextVar::declared(
    Variable::declared("RECEIVED_BAGGAGE", module_path!(), file!(), line!(), column!()).hidden(),
    None,
    Traits::NONE,
);

/// The members of a baggage header, within the specification's limits.
///
/// [`extract`](crate::baggage::extract) and [`inject`](crate::baggage::inject) do all that is usually needed; this is
/// for carriers of another kind. Its `Display` is the header's value.
///
/// # Examples
///
/// ```
/// use contextvars::baggage::Baggage;
///
/// let (baggage, skipped) = Baggage::parse(["user=ada%20l, =x", "plan=pro;ttl=60"]);
/// let members: Vec<_> = baggage.iter().map(|member| (member.key(), member.value())).collect();
/// assert_eq!(members, [("user", "ada l".into()), ("plan", "pro".into())]);
/// assert_eq!(baggage.to_string(), "user=ada%20l,plan=pro;ttl=60");
/// assert!(skipped[0].is_malformed());
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Baggage {
    members: Arc<[Member]>,
}

impl Baggage {
    /// Reads the values of one or several headers, in their order.
    ///
    /// What is malformed, or beyond the limits, is left out, member by member. Never panics, whatever the bytes. O(n).
    #[must_use]
    pub fn parse<H: AsRef<[u8]>>(headers: impl IntoIterator<Item = H>) -> (Self, Vec<Skipped>) {
        let mut budget = Budget::default();
        let mut members = Vec::new();
        let mut skipped = Vec::new();
        for header in headers {
            for bytes in header.as_ref().split(|&byte| byte == b',').map(without_space).filter(|it| !it.is_empty()) {
                match Member::parse(bytes).and_then(|member| budget.take(&member).map(|()| member)) {
                    Ok(member) => members.push(member),
                    // However long the header, the list of complaints stays short.
                    Err(_) if skipped.len() >= MOST_MEMBERS => {}
                    Err(reason) => {
                        let key = bytes.split(|byte| b"=;".contains(byte)).next().unwrap_or_default();
                        skipped.push(Skipped::new(String::from_utf8_lossy(without_space(key)).as_ref(), reason));
                    }
                }
            }
        }
        (Self { members: members.into() }, skipped)
    }

    /// Returns what is to leave the process from `context`: the variables that are declared with `baggage` and are set,
    /// and what came in under keys that no variable has.
    ///
    /// If not everything fits within the limits, variables come before what merely passes through.
    ///
    /// # Panics
    /// If the `Display` of a value does, or returns an error.
    #[must_use]
    pub fn of(context: &Context) -> (Self, Vec<Skipped>) {
        let received = context.get(&RECEIVED_BAGGAGE).map_or(&[][..], |received| &received.members);
        let mut list: Vec<(Member, bool)> = Vec::new();
        for member in received {
            match travelling_as(member.key()).find_map(|var| Some((var, var.text(context)?))) {
                Some(_) if list.iter().any(|(it, is_ours)| *is_ours && it.key() == member.key()) => {}
                Some((var, text)) => list.push((current_form(member, var, &text), true)),
                None if travelling_as(member.key()).next().is_some() => {}
                None => list.push((member.clone(), false)),
            }
        }
        for var in travelling() {
            let (Some(key), Some(text)) = (var.variable().baggage_key(), var.text(context)) else { continue };
            if !list.iter().any(|(member, _)| member.key() == key) {
                list.push((Member::new(key, &text), true));
            }
        }
        {
            let (members, skipped) = within_limits(&list);
            (Self { members: members.into() }, skipped)
        }
    }

    /// Returns what is to leave the process from the current context; see [`of`](Self::of).
    ///
    /// # Panics
    /// If the `Display` of a value does, or returns an error.
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

    /// Sets the variables that travel under the keys of these members, and returns the context.
    ///
    /// The last of several members with one key counts. A value that is not one of the variable's type is left out. The
    /// members that no variable stands for are kept in the context as well, to be passed on.
    ///
    /// # Panics
    /// If the `FromStr` of a variable's type does.
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
        let mut wrong = Vec::new();
        for (number, member) in self.iter().enumerate() {
            for var in travelling_as(member.key()) {
                context = var.read(&member.value(), context).unwrap_or_else(|context| {
                    let type_name = var.variable().type_name();
                    skipped.push(Skipped::new(member.key(), Reason::WrongValue { type_name }));
                    wrong.push(number);
                    context
                });
            }
        }
        let kept = if wrong.is_empty() {
            self
        } else {
            let kept = self.iter().enumerate().filter(|(number, _)| !wrong.contains(number));
            Self { members: kept.map(|(_, member)| member.clone()).collect() }
        };
        // Those of an outer request, if there is one, are not this one's.
        if !kept.is_empty() || context.contains(&RECEIVED_BAGGAGE) {
            context = context.with(&RECEIVED_BAGGAGE, kept);
        }
        (context, skipped)
    }

    /// Returns the members, in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Member> {
        self.members.iter()
    }

    /// Returns how many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Returns whether there are no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

impl<'a> IntoIterator for &'a Baggage {
    type Item = &'a Member;
    type IntoIter = std::slice::Iter<'a, Member>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, member) in self.iter().enumerate() {
            f.write_str(if number == 0 { "" } else { "," })?;
            f.write_str(member.as_str())?;
        }
        Ok(())
    }
}

/// The member as it came, if it still says what the variable says, or else a new one.
fn current_form(member: &Member, var: &dyn Travels, text: &str) -> Member {
    if var.as_written_here(&member.value()).as_deref() == Some(text) {
        member.clone()
    } else {
        Member::new(member.key(), text)
    }
}

fn without_space(bytes: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| SPACE.contains(&char::from(*byte));
    let begin = bytes.iter().position(|byte| !is_space(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_space(byte)).map_or(begin, |last| last + 1);
    &bytes[begin..end]
}
