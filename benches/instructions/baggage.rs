//! Baggage out and in, beside OpenTelemetry's propagator.

use contextvars::{Context, baggage};
use contextvars_benches::baggage::{Header, context, opentelemetry_context};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_sdk::propagation::BaggagePropagator;

use crate::callgrind::count;

pub(crate) fn perform() {
    let mut header = Header::default();
    context().run(|| count("baggage out, 4 variables", || baggage::inject(&mut header)));
    count("baggage in, 4 variables", || baggage::extract(&header, Context::new()));
    let (mut received, _) = baggage::extract(&header, Context::new());
    received.run(|| count("baggage out, 4 variables that came in", || baggage::inject(&mut header)));

    let propagator = BaggagePropagator::new();
    // Some orders of the members cost more than others.
    let contexts: Vec<_> = (0..512).map(|_| opentelemetry_context()).collect();
    let mut contexts = contexts.iter().cycle();
    count("OpenTelemetry baggage out, 4 members", || {
        if let Some(cx) = contexts.next() {
            propagator.inject_context(cx, &mut header);
        }
    });
    count("OpenTelemetry baggage in, 4 members", || {
        propagator.extract_with_context(&opentelemetry::Context::new(), &header)
    });
}
