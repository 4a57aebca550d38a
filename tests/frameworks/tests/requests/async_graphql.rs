//! async-graphql's `DataLoader`: one batch for the keys of many requests.

use std::collections::HashMap;
use std::convert::Infallible;

use async_graphql::dataloader::{DataLoader, Loader};
use contextvars::{context_var, tokio, with_context};

/// Whose prices are asked for.
#[context_var(default = "none")]
static TENANT: &'static str;

/// Prices of all tenants: each is made of what its key says and of what the batch sees.
struct Prices;

impl Loader<(&'static str, u32)> for Prices {
    type Value = String;
    type Error = Infallible;

    async fn load(&self, keys: &[(&'static str, u32)]) -> Result<HashMap<(&'static str, u32), String>, Infallible> {
        // The tenant is a part of the key: `TENANT` has none here.
        let price = |&(tenant, item): &(&'static str, u32)| {
            format!("{tenant} {item} of {}, seen by {}", keys.len(), TENANT.get())
        };
        Ok(keys.iter().map(|key| (*key, price(key))).collect())
    }
}

/// The prices that two requests ask for at the same time, each followed by the tenant that the request sees then.
async fn both_prices(first: &DataLoader<Prices>, second: &DataLoader<Prices>) -> [String; 2] {
    let price = async |loader: &DataLoader<Prices>, item: u32| {
        let Ok(price) = loader.load_one((TENANT.get(), item)).await;
        format!("{}; {}", price.expect("it was loaded"), TENANT.get())
    };
    let first = with_context!(TENANT = "acme", async { price(first, 1).await });
    let second = with_context!(TENANT = "bolt", async { price(second, 2).await });
    tokio::join!(first, second).into()
}

#[tokio::test]
async fn a_detached_batch_has_no_values_and_each_key_has_those_of_its_request() {
    let loader = DataLoader::new(Prices, tokio::spawn_detached);
    let expected = ["acme 1 of 2, seen by none; acme", "bolt 2 of 2, seen by none; bolt"];
    assert_eq!(both_prices(&loader, &loader).await, expected);
}

#[tokio::test]
async fn a_batch_that_inherits_sees_the_values_of_the_request_that_came_first_for_all_keys() {
    let loader = DataLoader::new(Prices, tokio::spawn);
    let expected = ["acme 1 of 2, seen by acme; acme", "bolt 2 of 2, seen by acme; bolt"];
    assert_eq!(both_prices(&loader, &loader).await, expected);
}

#[tokio::test]
async fn a_loader_that_is_made_for_one_request_may_inherit() {
    let [first, second] = [(); 2].map(|()| DataLoader::new(Prices, tokio::spawn));
    let expected = ["acme 1 of 1, seen by acme; acme", "bolt 2 of 1, seen by bolt; bolt"];
    assert_eq!(both_prices(&first, &second).await, expected);
}
