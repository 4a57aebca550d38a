//! Cases about running a function in a context.

use std::num::ParseIntError;

use contextvars::{Context, SharedContext, context_var, copy_context};

use crate::support::isolated;
use crate::support::panic_of;

#[context_var]
static VAR: &'static str;

#[context_var(default = 0)]
static WITH_DEFAULT: i32;

/// `test_context_run_2`
#[test]
fn run_returns_what_the_function_returns() {
    fn plain() -> &'static str {
        "bar"
    }
    fn with_arguments(number: i32, text: &str) -> String {
        format!("{number}{text}")
    }
    let mut ctx = Context::new();
    assert_eq!(ctx.run(plain), "bar");
    assert_eq!(ctx.run(|| with_arguments(11, "bar")), "11bar");
    let mut list = vec![1];
    ctx.run(|| list.push(2));
    assert_eq!(ctx.run(move || list), [1, 2]);
}

/// `test_context_run_3`
#[test]
fn a_panic_of_the_function_goes_through_run() {
    let mut ctx = Context::new();
    assert_eq!(panic_of(|| ctx.run(|| panic!("in the function"))).message, "in the function");
    assert_eq!(ctx.run(|| 1), 1, "the context is as good as before");
}

/// `test_context_run_3`, with the other way to fail
#[test]
fn an_error_of_the_function_goes_through_run() {
    let result: Result<i32, ParseIntError> = Context::new().run(|| "one".parse());
    assert!(result.is_err());
}

/// `test_context_run_4`
#[test]
fn what_a_run_sets_is_seen_there_and_nowhere_else() {
    isolated(|| {
        let (mut first, mut second) = (Context::new(), Context::new());
        let returned = first.run(|| {
            assert_eq!(VAR.get_or("none"), "none");
            VAR.set("spam");
            second.run(|| assert_eq!(VAR.get_or("none"), "none"));
            assert_eq!(VAR.get_or("none"), "spam");

            let current = copy_context();
            assert_eq!(current.len(), 1);
            assert_eq!(current[&VAR], "spam");
            current
        });
        assert_eq!(first, returned);
        assert_eq!(returned[&VAR], "spam");
        assert!(returned.contains(&VAR));
        assert!(second.is_empty());
    });
}

/// `test_context_run_5`
#[test]
fn a_set_before_a_panic_does_not_leave_the_context() {
    isolated(|| {
        let mut ctx = Context::new();
        panic_of(|| {
            ctx.run(|| {
                assert_eq!(VAR.get_or("none"), "none");
                VAR.set("spam");
                panic!("after the set");
            });
        });
        assert_eq!(VAR.get_or("none"), "none");
        assert_eq!(ctx[&VAR], "spam");
    });
}

/// `test_context_run_6`
#[test]
fn a_set_is_in_the_context_at_once() {
    let mut ctx = Context::new();
    ctx.run(|| {
        assert_eq!(WITH_DEFAULT.get(), 0);
        assert_eq!(copy_context().get(&WITH_DEFAULT), None);
        WITH_DEFAULT.set(42);
        assert_eq!(WITH_DEFAULT.get(), 42);
        assert_eq!(copy_context().get(&WITH_DEFAULT), Some(&42));
    });
    assert_eq!(ctx.get(&WITH_DEFAULT), Some(&42));
}

/// `test_context_run_7`
#[test]
fn a_shared_context_cannot_be_entered_twice() {
    let ctx = SharedContext::new();
    let again = ctx.run(|| ctx.run(|| unreachable!("it is entered"))).unwrap();
    assert!(again.unwrap_err().to_string().contains("is already entered"));
    assert_eq!(ctx.run(|| 1), Ok(1));
}
