//! `Shared` is polled by whichever of its owners comes first.

use contextvars::{ContextExt, tokio, with_context};
use futures_util::FutureExt;
use futures_util::future::Shared;

use super::TENANT;

/// Reads the tenant before it waits and afterwards.
async fn load() -> [String; 2] {
    let before = TENANT.get();
    tokio::task::yield_now().await;
    [before, TENANT.get()]
}

fn rates() -> Shared<impl Future<Output = [String; 2]>> {
    load().in_inherited_context().shared()
}

/// Has another request poll it once, and a third one from then on.
async fn polled_by_two_requests(rates: Shared<impl Future<Output = [String; 2]>>) -> [String; 2] {
    with_context!(TENANT = "globex".to_owned(), { assert!(rates.clone().now_or_never().is_none()) });
    with_context!(TENANT = "initech".to_owned(), async { rates.await }).await
}

#[contextvars::test]
async fn a_shared_future_runs_in_the_context_that_it_is_made_in() {
    let rates = with_context!(TENANT = "acme".to_owned(), { rates() });
    assert_eq!(polled_by_two_requests(rates).await, ["acme", "acme"]);
}

#[contextvars::test]
async fn without_a_context_a_shared_future_runs_in_those_of_several_requests() {
    let rates = with_context!(TENANT = "acme".to_owned(), { load().shared() });
    assert_eq!(polled_by_two_requests(rates).await, ["globex", "initech"]);
}
