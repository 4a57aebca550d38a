//! anyhow: an error that says whose request failed.

use std::fmt;

use anyhow::Context as _;
use contextvars::{copy_context, tokio, with_context};

use super::TENANT;

fn shown() -> contextvars::Context {
    let mut context = copy_context();
    context.retain(|variable, _| variable.is_logged());
    context
}

async fn handle() -> anyhow::Result<()> {
    read().await.with_context(shown)
}

/// Fails with an error that knows no request.
async fn read() -> Result<(), fmt::Error> {
    tokio::task::yield_now().await;
    Err(fmt::Error)
}

#[contextvars::test(flavor = "multi_thread")]
async fn an_error_says_whose_request_failed_after_the_request_has_ended() {
    let requests = ["acme", "globex"]
        .map(|tenant| tokio::spawn(with_context!(TENANT = tenant.to_owned(), async { handle().await })));
    for (request, tenant) in requests.into_iter().zip(["acme", "globex"]) {
        let error = request.await.unwrap().unwrap_err();
        assert!(!TENANT.is_set());
        assert_eq!(format!("{error:#}"), format!("TENANT={tenant}: {}", fmt::Error));
        // Whatever handles the error can read the values.
        assert_eq!(error.downcast_ref::<contextvars::Context>().unwrap()[&TENANT], tenant);
    }
}

#[contextvars::test]
async fn without_it_an_error_says_nothing_of_the_request() {
    let request = with_context!(TENANT = "acme".to_owned(), async { anyhow::Ok(read().await?) });
    assert_eq!(format!("{:#}", request.await.unwrap_err()), fmt::Error.to_string());
}
