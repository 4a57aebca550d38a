//! [`Settings`]: how much baggage is read and written, and whether members without a variable are.

use std::sync::Arc;

use super::NAME;
use super::list::Baggage;
use super::read::Reading;
use super::write::written;
use crate::context::{Context, copy_context};
use crate::propagation::by_key::BAGGAGE;
use crate::propagation::{Extractor, Format, Injector, Skipped};
use crate::variable::Variable;

/// Settings of baggage: the limits, and whether members without a variable are included.
///
/// The functions of this module use [`Settings::new`]; these methods use other settings. The layers take settings, too.
/// A copy costs one reference count.
///
/// The default limits are the minimum that the W3C specification requires to be forwarded: 64 members and 8,192 bytes.
/// Other implementations accept up to 180 members.
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
///
/// use contextvars::baggage::Settings;
/// use contextvars::{Context, context_var};
///
/// #[context_var(baggage = "berth")]
/// static BERTH: u32;
///
/// # fn main() {
/// let header = (1..=100).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
/// let headers = HashMap::from([("baggage".to_owned(), format!("{header},berth=7"))]);
///
/// let (mut ctx, skipped) = Settings::new().most_members(180).extract(&headers, Context::new());
/// assert_eq!(ctx[&BERTH], 7);
/// assert!(skipped.is_empty());
///
/// // To a third-party service, only this program's own variables.
/// let mut headers = HashMap::new();
/// ctx.run(|| Settings::new().variables_only().inject(&mut headers));
/// assert_eq!(headers["baggage"], "berth=7");
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    pub(super) most_members: usize,
    pub(super) most_bytes: usize,
    variables_only: bool,
    /// The keys; `None`: all.
    only: Option<Arc<[&'static str]>>,
}

impl Settings {
    /// Returns the default settings: 64 members, 8,192 bytes, and members without a variable are forwarded.
    #[must_use]
    pub const fn new() -> Self {
        Self { most_members: 64, most_bytes: 8192, variables_only: false, only: None }
    }

    /// Limits the number of members.
    ///
    /// When members are read, the key of each is compared with those of all that are kept: with a large limit, a header
    /// of a hostile client can take long to read.
    #[must_use]
    pub const fn most_members(mut self, most: usize) -> Self {
        self.most_members = most;
        self
    }

    /// Limits the number of bytes: those of all members as they are sent, with the commas between them. Received white
    /// space does not count.
    #[must_use]
    pub const fn most_bytes(mut self, most: usize) -> Self {
        self.most_bytes = most;
        self
    }

    /// Leaves out the members without a variable: [`extract`](Self::extract) and [`parse`](Self::parse) do not keep
    /// them, [`inject`](Self::inject) and [`of`](Self::of) do not send them. They are not reported, and do not count
    /// towards the limits.
    #[must_use]
    pub const fn variables_only(mut self) -> Self {
        self.variables_only = true;
        self
    }

    /// Reads and writes only the members with the keys of these variables. All others are left out as with
    /// [`variables_only`](Self::variables_only): those of other variables, and those that no variable stands for.
    ///
    /// # Panics
    /// If one of them is not declared with `baggage = "key"`.
    ///
    /// # Examples
    ///
    /// ```
    /// use contextvars::baggage::Settings;
    /// use contextvars::{Context, context_var};
    ///
    /// #[context_var(baggage = "voucher")]
    /// static VOUCHER: u32;
    /// #[context_var(baggage = "role")]
    /// static ROLE: String;
    ///
    /// # fn main() {
    /// // From the world: a voucher.
    /// let settings = Settings::new().only([VOUCHER.variable()]);
    /// let received = vec![("baggage".to_owned(), "voucher=7,role=admin,plan=pro".to_owned())];
    /// let (ctx, skipped) = settings.extract(&received, Context::new());
    /// assert_eq!((ctx[&VOUCHER], ctx.contains(&ROLE), skipped.len()), (7, false, 0));
    /// assert_eq!(Settings::new().of(&ctx).0.to_string(), "voucher=7");
    /// # }
    /// ```
    #[must_use]
    pub fn only(mut self, variables: impl IntoIterator<Item = &'static Variable>) -> Self {
        let key = |variable: &Variable| match variable.baggage_key() {
            Some(key) => key,
            None => panic!(
                "{} has no baggage key: declare it with `#[context_var(baggage = \"key\")]`",
                variable.described()
            ),
        };
        self.only = Some(variables.into_iter().map(key).collect());
        self
    }

    /// Whether a member with this key is read and written.
    pub(super) fn allows(&self, key: &str) -> bool {
        match &self.only {
            Some(only) => only.contains(&key),
            None => !self.variables_only || !BAGGAGE.of(key).is_empty(),
        }
    }

    /// Reads the values of one or several headers, as [`Baggage::parse`] does.
    #[must_use]
    pub fn parse<H: AsRef<[u8]>>(&self, headers: impl IntoIterator<Item = H>) -> (Baggage, Vec<Skipped>) {
        let mut reading = Reading::new(self);
        headers.into_iter().for_each(|header| reading.header(header.as_ref()));
        reading.end()
    }

    /// Returns the members to be sent from `context`, as [`Baggage::of`] does.
    ///
    /// # Panics
    /// If the `Display` of a value panics or returns an error.
    #[must_use]
    pub fn of(&self, context: &Context) -> (Baggage, Vec<Skipped>) {
        let (header, skipped) = written(context, self);
        (Baggage::from_header(&header), skipped)
    }

    /// Sets the variables from the baggage of a request, as [`extract`](super::extract) does.
    ///
    /// # Panics
    /// If the `FromStr` of a variable's type panics.
    #[must_use = "the variables are set only in the returned context"]
    pub fn extract(&self, carrier: &(impl Extractor + ?Sized), context: Context) -> (Context, Vec<Skipped>) {
        let mut reading = Reading::new(self);
        carrier.each_value(NAME, &mut |value| reading.header(value));
        let (baggage, mut skipped) = reading.end();
        let (context, wrong) = baggage.apply(context);
        skipped.extend(wrong);
        (context, skipped)
    }

    /// Writes the baggage header for the current context, as [`inject`](super::inject) does.
    ///
    /// # Panics
    /// If the `Display` of a value panics or returns an error.
    pub fn inject(&self, carrier: &mut (impl Injector + ?Sized)) -> Vec<Skipped> {
        let (header, skipped) = written(&copy_context(), self);
        carrier.set(NAME, (!header.is_empty()).then_some(header));
        skipped
    }
}

impl Format for Settings {
    fn extract(&self, headers: &dyn Extractor, context: Context) -> (Context, Vec<Skipped>) {
        Self::extract(self, headers, context)
    }

    fn inject(&self, headers: &mut dyn Injector) -> Vec<Skipped> {
        Self::inject(self, headers)
    }

    fn remove(&self, headers: &mut dyn Injector) {
        headers.set(NAME, None);
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}
