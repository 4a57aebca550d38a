//! moka, and other loaders that run one future for several callers: the first caller's.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use contextvars::{Context, ContextExt, tokio, with_context};
use moka::future::{Cache, FutureExt};
use tokio::sync::{Barrier, OnceCell};

use super::TENANT;

type Prices = Cache<(String, u32), String>;

async fn price(prices: &Prices, item: u32) -> String {
    let tenant = TENANT.get();
    // What the key has, and nothing else.
    let context = Context::new().with(&TENANT, tenant.clone());
    prices.get_with((tenant, item), load(item).in_context(context)).await
}

/// Reads the tenant, as what it calls might.
async fn load(item: u32) -> String {
    tokio::task::yield_now().await;
    format!("{}'s price of {item}", TENANT.get())
}

/// The callers begin at the same time, so that they wait for one another.
async fn at_once<F: Future<Output = String> + Send + 'static>(call: impl Fn() -> F) -> Vec<(String, String)> {
    let barrier = Arc::new(Barrier::new(8));
    let mut requests = tokio::task::JoinSet::new();
    for tenant in ["acme", "globex"].into_iter().cycle().take(8) {
        let (barrier, call) = (barrier.clone(), call());
        requests.spawn(with_context!(TENANT = tenant.to_owned(), async move {
            barrier.wait().await;
            (tenant.to_owned(), call.await)
        }));
    }
    requests.join_all().await
}

#[contextvars::test(flavor = "multi_thread")]
async fn what_is_loaded_once_is_loaded_in_the_name_of_the_key() {
    let prices = Prices::new(100);
    let call = || {
        let prices = prices.clone();
        async move { price(&prices, 7).await }
    };
    for (tenant, price) in at_once(call).await {
        assert_eq!(price, format!("{tenant}'s price of 7"));
    }
    assert_eq!(prices.iter().count(), 2);
}

#[contextvars::test(flavor = "multi_thread")]
async fn without_the_tenant_in_the_key_all_get_the_price_of_the_first() {
    let prices: Cache<u32, String> = Cache::new(100);
    let call = || {
        let prices = prices.clone();
        async move { prices.get_with(7, load(7)).await }
    };
    let got = at_once(call).await;
    let wrong = got.iter().filter(|(tenant, price)| !price.starts_with(tenant)).count();
    assert_eq!(wrong, 4, "{got:?}");
}

#[contextvars::test]
async fn what_the_key_has_not_cannot_be_read_while_it_is_loaded() {
    let prices: Cache<u32, String> = Cache::new(100);
    let request = with_context!(TENANT = "acme".to_owned(), async {
        let load = async { Ok::<_, Infallible>(TENANT.try_get().is_err().to_string()) };
        prices.try_get_with(7, load.in_context(Context::new())).await
    });
    assert_eq!(request.await.unwrap(), "true");
}

#[contextvars::test]
async fn what_is_evicted_is_reported_in_the_name_of_another_request() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let reported = seen.clone();
    let listener = move |item: Arc<u32>, _, _| {
        reported.lock().unwrap().push((*item, TENANT.get()));
        async {}.boxed()
    };
    let prices: Cache<u32, String> = Cache::builder().async_eviction_listener(listener).build();
    let insert = with_context!(TENANT = "acme".to_owned(), async {
        prices.insert(7, String::new()).await;
        prices.invalidate_all();
    });
    insert.await;
    with_context!(TENANT = "globex".to_owned(), async { prices.run_pending_tasks().await }).await;
    assert_eq!(*seen.lock().unwrap(), [(7, "globex".to_owned())]);
}

#[contextvars::test(flavor = "multi_thread")]
async fn a_cell_that_is_filled_once_is_filled_in_the_context_of_one_request_unless_it_has_one_of_its_own() {
    let cell = Arc::new(OnceCell::new());
    let call = || {
        let cell = cell.clone();
        async move { cell.get_or_init(|| load(7)).await.clone() }
    };
    let got = at_once(call).await;
    assert_eq!(got.iter().filter(|(tenant, price)| !price.starts_with(tenant)).count(), 4, "{got:?}");

    let cell = Arc::new(OnceCell::new());
    let call = || {
        let cell = cell.clone();
        async move { cell.get_or_init(|| rate().in_context(Context::new())).await.clone() }
    };
    assert!(at_once(call).await.iter().all(|(_, rate)| rate == "a rate for all"));
}

/// Is the same for all tenants, and reads none.
async fn rate() -> String {
    tokio::task::yield_now().await;
    if TENANT.is_set() { "a rate for one" } else { "a rate for all" }.to_owned()
}
