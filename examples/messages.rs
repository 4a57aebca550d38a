//! Variables in the headers of messages: Kafka's, NATS's and AMQP's.
//!
//! Run it with `cargo run --example messages`. `baggage::inject` and `extract` take any type that has the traits
//! `Injector` and `Extractor`. Those of a client's crate can have them through a type of your own around them, which is
//! all that there is to it; each of the three below can be copied.

use std::collections::BTreeMap;

use contextvars::{Context, baggage, context_var, with_context};

/// Tells the requests apart.
#[context_var(baggage = "request-id")]
static REQUEST_ID: u64;

/// Whom a request is from.
#[context_var(baggage = "tenant")]
static TENANT: String;

/// Names with bytes, as in `rskafka::record::Record`; `rdkafka::message::OwnedHeaders` has them as a list.
mod kafka {
    use contextvars::baggage::{Extractor, Injector};

    use super::BTreeMap;

    pub(crate) struct Headers<T>(pub(crate) T);

    impl Injector for Headers<&mut BTreeMap<String, Vec<u8>>> {
        fn set(&mut self, name: &str, value: Option<String>) {
            match value {
                Some(value) => self.0.insert(name.to_owned(), value.into_bytes()),
                None => self.0.remove(name),
            };
        }
    }

    impl Extractor for Headers<&BTreeMap<String, Vec<u8>>> {
        fn each_value(&self, name: &str, f: &mut dyn FnMut(&[u8])) {
            if let Some(value) = self.0.get(name) {
                f(value);
            }
        }
    }
}

/// Names with several texts each, as in `async_nats::HeaderMap`. With that one, `set` is
/// `self.0.insert(name, value.unwrap_or_default())`, for it cannot remove a header and an empty one is as good as none;
/// and `each_value` is `self.0.get_all(name).for_each(|value| f(value.as_str().as_bytes()))`.
mod nats {
    use contextvars::baggage::{Extractor, Injector};

    pub(crate) type HeaderMap = Vec<(String, String)>;

    pub(crate) struct Headers<T>(pub(crate) T);

    impl Injector for Headers<&mut HeaderMap> {
        fn set(&mut self, name: &str, value: Option<String>) {
            self.0.retain(|(key, _)| key != name);
            self.0.extend(value.map(|value| (name.to_owned(), value)));
        }
    }

    impl Extractor for Headers<&HeaderMap> {
        fn each_value(&self, name: &str, f: &mut dyn FnMut(&[u8])) {
            self.0.iter().filter(|(key, _)| key == name).for_each(|(_, value)| f(value.as_bytes()));
        }
    }
}

/// The table of `lapin::BasicProperties::with_headers`, of lapin's own crate for it.
mod amqp {
    use amq_protocol_types::{AMQPValue, FieldTable};
    use contextvars::baggage::{Extractor, Injector};

    pub(crate) struct Headers<T>(pub(crate) T);

    impl Injector for Headers<&mut FieldTable> {
        fn set(&mut self, name: &str, value: Option<String>) {
            let mut table = self.0.inner().clone();
            table.remove(name);
            table.extend(value.map(|value| (name.into(), AMQPValue::LongString(value.into()))));
            *self.0 = table.into();
        }
    }

    impl Extractor for Headers<&FieldTable> {
        fn each_value(&self, name: &str, f: &mut dyn FnMut(&[u8])) {
            if let Some(AMQPValue::LongString(value)) = self.0.inner().get(name) {
                f(value.as_bytes());
            }
        }
    }
}

fn show(broker: &str, (context, skipped): (Context, Vec<baggage::Skipped>)) {
    assert!(skipped.is_empty(), "{skipped:?}");
    context.run_copy(|| println!("{broker}: request {} of {}", REQUEST_ID.get(), TENANT.get()));
}

fn main() {
    let (mut kafka, mut nats, mut amqp) = (BTreeMap::new(), Vec::new(), amq_protocol_types::FieldTable::default());
    with_context!(REQUEST_ID = 7, TENANT = "Röd & Co".to_owned(), {
        baggage::inject(&mut kafka::Headers(&mut kafka));
        baggage::inject(&mut nats::Headers(&mut nats));
        baggage::inject(&mut amqp::Headers(&mut amqp));
    });
    show("Kafka", baggage::extract(&kafka::Headers(&kafka), Context::new()));
    show("NATS", baggage::extract(&nats::Headers(&nats), Context::new()));
    show("AMQP", baggage::extract(&amqp::Headers(&amqp), Context::new()));

    // A message that is used again says nothing of the request before.
    baggage::inject(&mut kafka::Headers(&mut kafka));
    baggage::inject(&mut nats::Headers(&mut nats));
    baggage::inject(&mut amqp::Headers(&mut amqp));
    assert!(kafka.is_empty() && nats.is_empty() && amqp.inner().is_empty());
}
