//! The headers of messages: NATS's, AMQP's and Kafka's.

use contextvars::{Context, ContextExt, baggage, tokio, with_context};

use super::TENANT;

/// Has the handlers of all messages run at the same time, each in the context of its message.
async fn handled(contexts: impl IntoIterator<Item = Context>) -> Vec<String> {
    let handle = || async {
        tokio::task::yield_now().await;
        TENANT.try_get().unwrap_or_default()
    };
    let tasks: Vec<_> = contexts.into_iter().map(|context| tokio::spawn(handle().in_context(context))).collect();
    let mut seen = Vec::new();
    for task in tasks {
        seen.push(task.await.unwrap());
    }
    seen
}

const TENANTS: [&str; 3] = ["acme", "globex", "Röd & Co"];

mod nats {
    use async_nats::HeaderMap;

    use super::*;

    fn headers() -> HeaderMap {
        let mut sent = Vec::new();
        baggage::inject(&mut sent).iter().for_each(|it| eprintln!("{it}"));
        sent.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn context_of(headers: &HeaderMap) -> Context {
        let values = headers.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
        let received: Vec<_> = values.map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let (context, skipped) = baggage::extract(&received, Context::new());
        skipped.iter().for_each(|it| eprintln!("{it}"));
        context
    }

    #[contextvars::test(flavor = "multi_thread")]
    async fn a_message_of_nats_has_the_values_of_its_sender() {
        let sent = TENANTS.map(|tenant| with_context!(TENANT = tenant.to_owned(), { headers() }));
        assert_eq!(handled(sent.iter().map(context_of)).await, TENANTS);
        // Without them.
        assert_eq!(handled([context_of(&HeaderMap::new())]).await, [""]);
    }
}

mod amqp {
    use lapin::BasicProperties;
    use lapin::types::{AMQPValue, FieldTable};

    use super::*;

    fn properties() -> BasicProperties {
        let mut sent = Vec::new();
        baggage::inject(&mut sent).iter().for_each(|it| eprintln!("{it}"));
        let mut headers = FieldTable::default();
        for (name, value) in sent {
            headers.insert(name.into(), AMQPValue::LongString(value.into()));
        }
        BasicProperties::default().with_headers(headers)
    }

    fn context_of(properties: &BasicProperties) -> Context {
        let headers = properties.headers().iter().flat_map(|headers| headers.inner());
        let texts = headers.filter_map(|(name, value)| Some((name, value.as_long_string()?)));
        let received: Vec<_> = texts.map(|(name, text)| (name.to_string(), text.to_string())).collect();
        let (context, skipped) = baggage::extract(&received, Context::new());
        skipped.iter().for_each(|it| eprintln!("{it}"));
        context
    }

    #[contextvars::test(flavor = "multi_thread")]
    async fn a_message_of_amqp_has_the_values_of_its_sender() {
        let sent = TENANTS.map(|tenant| with_context!(TENANT = tenant.to_owned(), { properties() }));
        assert_eq!(handled(sent.iter().map(context_of)).await, TENANTS);
        // Without them.
        assert_eq!(handled([context_of(&BasicProperties::default())]).await, [""]);
    }
}

mod kafka {
    use chrono::Utc;
    use rskafka::record::Record;

    use super::*;

    fn record(value: Vec<u8>) -> Record {
        let mut sent = Vec::new();
        baggage::inject(&mut sent).iter().for_each(|it| eprintln!("{it}"));
        let headers = sent.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
        Record { key: None, value: Some(value), headers, timestamp: Utc::now() }
    }

    fn context_of(record: &Record) -> Context {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let received: Vec<_> = record.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        let (context, skipped) = baggage::extract(&received, Context::new());
        skipped.iter().for_each(|it| eprintln!("{it}"));
        context
    }

    #[contextvars::test(flavor = "multi_thread")]
    async fn a_message_of_kafka_has_the_values_of_its_sender() {
        let sent = TENANTS.map(|tenant| with_context!(TENANT = tenant.to_owned(), { record(Vec::new()) }));
        assert_eq!(handled(sent.iter().map(context_of)).await, TENANTS);
        // Without them.
        assert_eq!(handled([context_of(&record(Vec::new()))]).await, [""]);
    }
}
