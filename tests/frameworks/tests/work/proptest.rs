//! proptest: `#[contextvars::test]` within `proptest!`.

use contextvars::{Context, with_context};
use proptest::prelude::*;

use super::TENANT;

proptest! {
    #[contextvars::test]
    fn a_tenant_is_greeted(tenant in "[a-z]{1,8}") {
        with_context!(TENANT = tenant.clone(), {
            prop_assert_eq!(greeting(), format!("hello, {tenant}"));
        })
    }
}

fn greeting() -> String {
    format!("hello, {}", TENANT.get())
}

/// How many of ten cases begin with a value that a case before them has set.
fn begin_with_a_value(case: impl Fn(&str)) -> usize {
    let found = std::cell::Cell::new(0);
    proptest!(ProptestConfig::with_cases(10), |(tenant in "[a-z]{1,8}")| {
        found.set(found.get() + usize::from(TENANT.is_set()));
        case(&tenant);
    });
    found.get()
}

#[contextvars::test]
fn what_a_case_sets_stays_for_the_next_unless_it_has_a_context_of_its_own() {
    assert_eq!(begin_with_a_value(|tenant| Context::new().run(|| _ = TENANT.set(tenant.to_owned()))), 0);
    assert_eq!(
        begin_with_a_value(|tenant| with_context!(TENANT = String::new(), { _ = TENANT.set(tenant.to_owned()) })),
        0
    );
    assert_eq!(begin_with_a_value(|tenant| _ = TENANT.set(tenant.to_owned())), 9);
}
