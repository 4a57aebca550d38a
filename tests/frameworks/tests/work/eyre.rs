//! eyre: an error that says whose request failed.

use std::fmt;

use contextvars::{copy_context, tokio, with_context};
use eyre::WrapErr as _;

use super::TENANT;

fn shown() -> contextvars::Context {
    let mut context = copy_context();
    context.retain(|variable, _| variable.is_logged());
    context
}

async fn handle() -> eyre::Result<()> {
    read().await.wrap_err_with(shown)
}

/// Fails with an error that knows no request.
async fn read() -> Result<(), fmt::Error> {
    tokio::task::yield_now().await;
    Err(fmt::Error)
}

#[contextvars::test(flavor = "multi_thread")]
async fn a_report_says_whose_request_failed_after_the_request_has_ended() {
    let requests = ["acme", "globex"]
        .map(|tenant| tokio::spawn(with_context!(TENANT = tenant.to_owned(), async { handle().await })));
    for (request, tenant) in requests.into_iter().zip(["acme", "globex"]) {
        let report = request.await.unwrap().unwrap_err();
        assert!(!TENANT.is_set());
        assert_eq!(format!("{report:#}"), format!("TENANT={tenant}: {}", fmt::Error));
    }
}

#[contextvars::test]
async fn without_it_a_report_says_nothing_of_the_request() {
    let request = with_context!(TENANT = "acme".to_owned(), async { eyre::Ok(read().await?) });
    assert_eq!(format!("{:#}", request.await.unwrap_err()), fmt::Error.to_string());
}
