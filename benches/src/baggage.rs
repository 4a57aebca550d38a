//! The same four members as variables and as OpenTelemetry's baggage, and a header to carry them.

use contextvars::{Context, baggage, context_var};
use opentelemetry::KeyValue;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::{Extractor, Injector};

#[context_var(baggage = "tenant")]
static TENANT: String;
#[context_var(baggage = "user")]
static USER: String;
#[context_var(baggage = "request-id")]
static REQUEST_ID: u64;
#[context_var(baggage = "hops")]
static HOPS: u8;

/// Keys and values.
const MEMBERS: [(&str, &str); 4] =
    [("tenant", "Röd & Co"), ("user", "ada.lovelace@example.com"), ("request-id", "8675309123"), ("hops", "3")];

/// The header of a request, which costs nothing but what is asked of it.
#[derive(Default)]
pub struct Header(String);

impl baggage::Injector for Header {
    fn set(&mut self, _: &str, value: Option<String>) {
        self.0 = value.unwrap_or_default();
    }
}

impl baggage::Extractor for Header {
    fn each_value(&self, _: &str, f: &mut dyn FnMut(&[u8])) {
        f(self.0.as_bytes());
    }
}

impl Injector for Header {
    fn set(&mut self, _: &str, value: String) {
        self.0 = value;
    }
}

impl Extractor for Header {
    fn get(&self, _: &str) -> Option<&str> {
        Some(&self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["baggage"]
    }
}

/// A context in which the variables are set.
#[must_use]
pub fn context() -> Context {
    Context::new()
        .with(&TENANT, MEMBERS[0].1.to_owned())
        .with(&USER, MEMBERS[1].1.to_owned())
        .with(&REQUEST_ID, 8_675_309_123)
        .with(&HOPS, 3)
}

/// A context of OpenTelemetry's with the members; each has them in another order.
#[must_use]
pub fn opentelemetry_context() -> opentelemetry::Context {
    opentelemetry::Context::new().with_baggage(MEMBERS.map(|(key, value)| KeyValue::new(key, value)))
}
