//! test-case: `#[test_case]` above `#[contextvars::test]`, on an `async fn`.

use std::env;
use std::process::Command;

use contextvars::tokio;
use test_case::test_case;

use super::TENANT;

#[test_case("acme")]
#[test_case("globex")]
#[contextvars::test]
async fn a_tenant_is_greeted(tenant: &str) {
    TENANT.set(tenant.to_owned());
    assert_eq!(tokio::spawn(greeting()).await.unwrap(), format!("hello, {tenant}"));
}

async fn greeting() -> String {
    format!("hello, {}", TENANT.get())
}

#[test_case("acme"; "an acme")]
#[test_case("globex"; "a globex")]
#[contextvars::test]
async fn a_case_has_a_context_of_its_own(tenant: &str) {
    assert!(!TENANT.is_set());
    TENANT.set(tenant.to_owned());
}

#[test_case(1)]
#[contextvars::test]
fn not_async(_: u32) {
    assert!(!TENANT.is_set());
}

#[test]
fn a_case_that_is_not_async_runs_twice() {
    let listed = Command::new(env::current_exe().unwrap()).arg("--list").output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let count = |name: &str| listed.lines().filter(|line| line.starts_with(name)).count();
    assert_eq!((count("test_case::not_async::"), count("test_case::a_tenant_is_greeted::")), (2, 2));
}
