//! [`BaggagePropagator`]: one header for OpenTelemetry's baggage and the variables declared with `baggage`.

use std::fmt;
use std::iter;
use std::sync::Arc;

use contextvars::baggage::{NAME, Settings, Skipped};
use contextvars::{copy_context, variables};
use opentelemetry::Context;
use opentelemetry::baggage::{BaggageExt, KeyValueMetadata};
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// The limits of OpenTelemetry's own propagator.
const BY_SPECIFICATION: Settings = Settings::new();
/// Without limits, for members that are in this process already.
const WITHOUT_LIMITS: Settings = Settings::new().most_members(usize::MAX).most_bytes(usize::MAX);

/// The characters to be encoded in a property. `%` is not one: a property that was received encoded is sent unchanged.
const IN_PROPERTIES: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b',').add(b';').add(b'\\');
/// The characters to be encoded in a value. `=` and `+` are allowed there, but some readers misread them.
const IN_VALUES: &AsciiSet = &IN_PROPERTIES.add(b'%').add(b'=').add(b'+');

/// A propagator of baggage, by the [W3C's specification](https://www.w3.org/TR/baggage/): that of OpenTelemetry's
/// context, and the variables that are declared with `baggage = "key"`.
///
/// It stands where the SDK's `BaggagePropagator` would. **Out** go the variables that are set in the current context,
/// then OpenTelemetry's baggage; of two members with one key the variable's goes. **In**, all members become
/// OpenTelemetry's baggage; [`apply_baggage`] sets the variables.
///
/// The specification's limits of 64 members and 8,192 bytes hold for what is encoded, unless
/// [`settings`](Self::settings) has others. Members that do not fit or are malformed are left out and reported to
/// [`on_skipped`](Self::on_skipped).
///
/// # Beside other propagators
/// In a `TextMapCompositePropagator`, or through `opentelemetry::global`, give the context: with `let cx =
/// Context::current();`, write `inject_context(&cx, ..)` and `extract_with_context(&cx, ..)`. Their own `inject` and
/// `extract` keep OpenTelemetry's thread-local borrowed while variables are displayed and members reported: code that
/// attaches a context meanwhile panics.
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
///
/// use contextvars::{Context, context_var, with_context};
/// use contextvars_opentelemetry::{BaggagePropagator, apply_baggage};
/// use opentelemetry::KeyValue;
/// use opentelemetry::baggage::BaggageExt;
/// use opentelemetry::propagation::TextMapPropagator;
///
/// #[context_var(baggage = "tenant")]
/// static TENANT: String;
///
/// # fn main() {
/// let propagator = BaggagePropagator::new();
/// let cx = opentelemetry::Context::new().with_baggage([KeyValue::new("plan", "a=b")]);
/// let mut headers = HashMap::new();
/// with_context!(TENANT = "acme".to_owned(), { propagator.inject_context(&cx, &mut headers) });
/// assert_eq!(headers["baggage"], "tenant=acme,plan=a%3Db");
///
/// // In another process:
/// let cx = propagator.extract(&headers);
/// assert_eq!(cx.baggage().get("plan").unwrap().as_str(), "a=b");
/// let (ctx, skipped) = apply_baggage(&cx, Context::new());
/// assert_eq!(ctx[&TENANT], "acme");
/// assert!(skipped.is_empty());
/// # }
/// ```
pub struct BaggagePropagator {
    fields: [String; 1],
    settings: Settings,
    on_skipped: Option<Arc<Report>>,
}

type Report = dyn Fn(&Skipped) + Send + Sync;

impl BaggagePropagator {
    /// Returns the propagator.
    #[must_use]
    pub fn new() -> Self {
        Self { fields: [NAME.to_owned()], settings: Settings::new(), on_skipped: None }
    }

    /// Reads and writes baggage by other settings than the specification's.
    ///
    /// With `variables_only`, only members with the keys of variables go out and come in. OpenTelemetry's baggage
    /// itself holds no more than 64 members and 8,192 bytes: what comes in beyond that is left out, and reported.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::collections::HashMap;
    ///
    /// use contextvars::baggage::Settings;
    /// use contextvars_opentelemetry::BaggagePropagator;
    /// use opentelemetry::baggage::BaggageExt;
    /// use opentelemetry::propagation::TextMapPropagator;
    ///
    /// let propagator = BaggagePropagator::new().settings(Settings::new().most_members(1));
    /// let headers = HashMap::from([("baggage".to_owned(), "plan=pro,user=ada".to_owned())]);
    /// assert_eq!(propagator.extract(&headers).baggage().len(), 1);
    /// ```
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Calls `f` for each member that was left out, on the way in or out.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use std::sync::mpsc;
    ///
    /// use contextvars_opentelemetry::BaggagePropagator;
    /// use opentelemetry::baggage::BaggageExt;
    /// use opentelemetry::propagation::TextMapPropagator;
    ///
    /// let (sender, skipped) = mpsc::channel();
    /// let propagator = BaggagePropagator::new().on_skipped(move |it| sender.send(it.clone()).unwrap());
    /// let headers = HashMap::from([("baggage".to_owned(), "plan=pro, user".to_owned())]);
    /// assert_eq!(propagator.extract(&headers).baggage().len(), 1);
    /// assert!(skipped.try_recv().unwrap().is_malformed());
    /// ```
    #[must_use]
    pub fn on_skipped(mut self, f: impl Fn(&Skipped) + Send + Sync + 'static) -> Self {
        self.on_skipped = Some(Arc::new(f));
        self
    }

    fn report(&self, skipped: &[Skipped]) {
        if let Some(f) = &self.on_skipped {
            skipped.iter().for_each(&**f);
        }
    }
}

impl Default for BaggagePropagator {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for BaggagePropagator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BaggagePropagator").finish_non_exhaustive()
    }
}

impl TextMapPropagator for BaggagePropagator {
    /// Writes what is to leave the process from `Context::current()`.
    fn inject(&self, injector: &mut dyn Injector) {
        self.inject_context(&Context::current(), injector);
    }

    /// Returns `Context::current()` with the baggage that came in.
    fn extract(&self, extractor: &dyn Extractor) -> Context {
        self.extract_with_context(&Context::current(), extractor)
    }

    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let (ours, skipped) = self.settings.of(&copy_context());
        self.report(&skipped);
        let theirs = members(cx).filter(|(key, _)| ours.iter().all(|member| member.key() != *key));
        let texts = iter::once(ours.to_string()).chain(theirs.map(|(_, text)| text));
        // Reading it back checks each member, and applies the limits to all of them.
        let (all, skipped) = self.settings.parse(texts);
        self.report(&skipped);
        if !all.is_empty() {
            injector.set(NAME, all.to_string());
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let (mut baggage, skipped) = self.settings.parse(extractor.get_all(NAME).unwrap_or_default());
        self.report(&skipped);
        if self.settings != BY_SPECIFICATION {
            // OpenTelemetry's baggage has these limits by itself, and does not say what it drops.
            let (held, skipped) = BY_SPECIFICATION.parse([baggage.to_string()]);
            self.report(&skipped);
            baggage = held;
        }
        if baggage.is_empty() {
            return cx.clone();
        }
        let members = baggage.iter().map(|member| {
            // As they are sent: nothing is known of them.
            let text = member.to_string();
            let properties = text.split_once(';').map_or("", |(_, properties)| properties);
            KeyValueMetadata::new(member.key().to_owned(), member.value().into_owned(), properties.to_owned())
        });
        cx.with_baggage(members.collect::<Vec<_>>())
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.fields)
    }
}

/// Sets, in `context`, the variables that travel under the keys of the baggage of `cx`, and returns it with what had to
/// be left out.
///
/// For the beginning of a request: `handler.with_context(cx).in_context(ctx)`. Members that no variable stands for
/// stay where they are, in the baggage of `cx`.
///
/// Read [`contextvars::baggage`](contextvars::baggage#trust) on whom to trust.
///
/// # Panics
/// If the `FromStr` of a variable's type does.
///
/// # Examples
///
/// ```
/// use contextvars::{Context, context_var};
/// use contextvars_opentelemetry::apply_baggage;
/// use opentelemetry::KeyValue;
/// use opentelemetry::baggage::BaggageExt;
///
/// #[context_var(baggage = "customer")]
/// static CUSTOMER: u32;
///
/// # fn main() {
/// let baggage = [KeyValue::new("customer", "7"), KeyValue::new("plan", "pro")];
/// let cx = opentelemetry::Context::new().with_baggage(baggage);
/// let (ctx, skipped) = apply_baggage(&cx, Context::new());
/// assert_eq!(ctx[&CUSTOMER], 7);
/// assert!(skipped.is_empty());
///
/// let cx = cx.with_baggage([KeyValue::new("customer", "ada")]);
/// let (ctx, skipped) = apply_baggage(&cx, Context::new());
/// assert!(!ctx.contains(&CUSTOMER));
/// assert!(skipped[0].is_wrong_value());
/// # }
/// ```
#[must_use = "the variables are set in the context that is returned"]
pub fn apply_baggage(cx: &Context, context: contextvars::Context) -> (contextvars::Context, Vec<Skipped>) {
    let is_propagated = |key: &str| variables().any(|variable| variable.baggage_key() == Some(key));
    let (baggage, mut skipped) =
        WITHOUT_LIMITS.parse(members(cx).filter(|(key, _)| is_propagated(key)).map(|(_, text)| text));
    let (context, wrong) = baggage.apply(context);
    skipped.extend(wrong);
    (context, skipped)
}

/// The keys of the baggage of `cx`, each with the member as it stands in a header. In the order of the keys.
fn members(cx: &Context) -> impl Iterator<Item = (&str, String)> {
    let mut members: Vec<_> = cx.baggage().iter().collect();
    members.sort_by_key(|(key, _)| key.as_str());
    members.into_iter().map(|(key, (value, metadata))| {
        let mut text = format!("{key}={}", utf8_percent_encode(value.as_str(), IN_VALUES));
        for property in metadata.as_str().split(';').map(str::trim).filter(|it| !it.is_empty()) {
            text.push(';');
            match property.split_once('=') {
                None => text.push_str(property),
                Some((key, value)) => {
                    text.extend([key.trim_end(), "="]);
                    text.extend(utf8_percent_encode(value.trim_start(), IN_PROPERTIES));
                }
            }
        }
        (key.as_str(), text)
    })
}
