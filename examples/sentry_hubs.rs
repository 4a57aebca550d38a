//! Sentry's hub, carried: the tags of a request are on all of its events, those of its tasks and of their functions,
//! too, and on no other's.
//!
//! ```text
//! cargo run --example sentry_hubs
//! ```

use std::sync::Arc;

use contextvars::carry::{self, Carried};
use contextvars::tokio;
use sentry_core::test::TestTransport;
use sentry_core::{ClientOptions, Hub, HubSwitchGuard, Level, capture_message, configure_scope};

/// The recipe: each child has a hub of its own, which begins as its parent's.
struct ChildHub(Arc<Hub>);

impl Carried for ChildHub {
    type Undo = HubSwitchGuard;

    fn capture() -> Option<Self> {
        Some(Self(Arc::new(Hub::new_from_top(Hub::current()))))
    }

    fn enter(&self) -> Option<HubSwitchGuard> {
        Some(HubSwitchGuard::new(Arc::clone(&self.0)))
    }
}

async fn handle(id: u32) {
    configure_scope(|scope| scope.set_tag("request", id));
    tokio::task::yield_now().await;
    let audit = tokio::spawn(async {
        configure_scope(|scope| scope.set_tag("part", "audit"));
        tokio::task::yield_now().await;
        capture_message("audited", Level::Info);
    });
    audit.await.expect("the task is done");
    tokio::task::spawn_blocking(|| capture_message("stored", Level::Info)).await.expect("the function is done");
    capture_message("answered", Level::Info);
}

#[tokio::main]
async fn main() {
    carry::register::<ChildHub>();
    let transport = TestTransport::new();
    let options = ClientOptions {
        dsn: Some("https://public@sentry.invalid/1".parse().expect("a DSN")),
        transport: Some(Arc::new(Arc::clone(&transport))),
        ..ClientOptions::default()
    };
    Hub::main().bind_client(Some(Arc::new(options.into())));

    let requests: Vec<_> = (1..=100).map(|id| tokio::spawn(handle(id))).collect();
    for request in requests {
        request.await.expect("the request is answered");
    }
    capture_message("all are answered", Level::Info);

    let events = transport.fetch_and_clear_events();
    println!("{} events", events.len());
    for id in 1..=100_u32 {
        let id = id.to_string();
        let of_request: Vec<_> = events.iter().filter(|event| event.tags.get("request") == Some(&id)).collect();
        assert_eq!(of_request.len(), 3, "request {id}");
        for event in of_request {
            let message = event.message.as_deref().unwrap_or_default();
            assert_eq!(event.tags.contains_key("part"), message == "audited", "request {id}");
            if id == "7" {
                println!("{message} {:?}", event.tags);
            }
        }
    }
    // The one that was captured outside of every request.
    let without_tags = events.iter().filter(|event| event.tags.is_empty());
    assert_eq!(without_tags.count(), 1);
}
