//! `tracing` spans, with the registry of `tracing-subscriber`, whose extensions hold values of any type.

use std::sync::Once;

use tracing::dispatcher::get_default;
use tracing::{Span, Subscriber as _};
use tracing_subscriber::Registry;
use tracing_subscriber::registry::LookupSpan;

/// The value that is read.
pub(crate) struct Number(i32);

/// A span that holds the number.
pub(crate) fn span() -> Span {
    static SUBSCRIBER: Once = Once::new();
    SUBSCRIBER.call_once(|| {
        tracing::subscriber::set_global_default(tracing_subscriber::registry()).expect("nobody else sets one");
    });
    let span = tracing::info_span!("request");
    span.with_subscriber(|(id, dispatch)| {
        let registry = dispatch.downcast_ref::<Registry>().expect("the registry is the subscriber");
        registry.span(id).expect("the span is open").extensions_mut().insert(Number(1));
    });
    span
}

/// The number in the current span.
pub(crate) fn read() -> Option<i32> {
    get_default(|dispatch| {
        let registry = dispatch.downcast_ref::<Registry>()?;
        let span = registry.span(registry.current_span().id()?)?;
        let extensions = span.extensions();
        extensions.get::<Number>().map(|number| number.0)
    })
}
