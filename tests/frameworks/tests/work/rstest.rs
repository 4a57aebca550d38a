//! rstest: `#[rstest]` above `#[contextvars::test]`.

use std::sync::Mutex;
use std::time::Duration;

use contextvars::tokio;
use rstest::{fixture, rstest};

use super::TENANT;

#[rstest]
#[case("acme")]
#[case("globex")]
#[contextvars::test]
async fn a_tenant_is_greeted(#[case] tenant: &str) {
    TENANT.set(tenant.to_owned());
    assert_eq!(tokio::spawn(greeting()).await.unwrap(), format!("hello, {tenant}"));
}

async fn greeting() -> String {
    format!("hello, {}", TENANT.get())
}

#[fixture]
fn tenant() -> &'static str {
    assert!(!TENANT.is_set());
    TENANT.set("initech".to_owned());
    "initech"
}

#[rstest]
#[case(1)]
#[case(2)]
#[contextvars::test]
fn a_case_has_a_context_of_its_own_in_which_its_fixtures_run(tenant: &str, #[case] _number: u32) {
    assert_eq!(TENANT.get(), tenant);
}

#[rstest]
#[timeout(Duration::from_secs(600))]
#[contextvars::test]
fn with_a_timeout_a_case_is_on_a_thread_that_has_nothing_of_its_fixtures(tenant: &str) {
    assert_eq!((tenant, TENANT.is_set()), ("initech", false));
}

static BEGAN_WITH: Mutex<Vec<Option<String>>> = Mutex::new(Vec::new());

#[rstest]
#[ignore = "called by the test below"]
fn plain() {
    BEGAN_WITH.lock().unwrap().push(TENANT.try_get().ok());
    TENANT.set("acme".to_owned());
}

#[contextvars::test]
fn without_it_a_case_begins_with_what_was_set_before_on_its_thread() {
    plain();
    plain();
    assert_eq!(*BEGAN_WITH.lock().unwrap(), [None, Some("acme".to_owned())]);
}
