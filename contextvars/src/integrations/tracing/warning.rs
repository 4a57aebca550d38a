//! The event for the warning that a format itself writes.

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
    // Never registered: the event is passed to one format only, not to subscribers.
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        &METADATA
    }
}

/// Calls `f` with an event with the message `text`, a warning with the target `contextvars`.
pub(super) fn with_event<R>(text: &str, f: impl FnOnce(&Event<'_>) -> R) -> R {
    let fields = METADATA.fields();
    let message = fields.field("message").expect("it is declared above");
    f(&Event::new(&METADATA, &fields.value_set(&[(&message, Some(&format_args!("{text}") as &dyn Value))])))
}
