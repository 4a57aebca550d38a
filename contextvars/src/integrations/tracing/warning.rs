//! An event of our own, for the one thing that a format has to say itself.

use tracing_core::callsite::Callsite;
use tracing_core::field::Value;
use tracing_core::metadata::Kind;
use tracing_core::subscriber::Interest;
use tracing_core::{Event, Level, Metadata, metadata};

struct Warning;

static WARNING: Warning = Warning;

static METADATA: Metadata<'static> = metadata! {
    name: "contextvars",
    target: "contextvars",
    level: Level::WARN,
    fields: &["message"],
    callsite: &WARNING,
    kind: Kind::EVENT,
};

impl Callsite for Warning {
    // It is never registered: nobody is asked about an event that is given to one format.
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        &METADATA
    }
}

/// Calls `f` with an event that says `text`, as a warning of the target `contextvars`.
pub(super) fn with_event<R>(text: &str, f: impl FnOnce(&Event<'_>) -> R) -> R {
    let fields = METADATA.fields();
    let message = fields.field("message").expect("it is declared above");
    f(&Event::new(&METADATA, &fields.value_set(&[(&message, Some(&format_args!("{text}") as &dyn Value))])))
}
