//! Cases about tokens, and about sets that end with their scope (`with var.set(..):` of Python 3.14).

use contextvars::{Context, context_var};

use crate::support::isolated;
use crate::support::panic_of;

#[context_var(default = 42)]
static C: i32;

#[context_var]
static V1: i32;

#[context_var]
static V2: i32;

/// `test_context_var_repr_1` and `test_token_repr_1`
#[test]
fn the_debug_output_of_a_token_names_its_variable() {
    isolated(|| {
        let token = V1.set(1);
        assert!(format!("{token:?}").contains(&format!("{V1:?}")));
        assert_eq!(format!("{token:?}"), format!("Token {{ var: {V1:?}, old_value: missing, .. }}"));
        assert!(format!("{:?}", V1.set(2)).contains("old_value: 1"));
    });
}

/// `test_context_getset_2`
#[test]
fn a_token_of_another_variable_is_refused() {
    isolated(|| {
        let token = V1.set(42);
        let error = V2.reset(token).unwrap_err();
        assert!(error.is_wrong_variable());
        assert!(error.to_string().contains("a token of context variable `V1`"), "{error}");
    });
}

/// `test_context_getset_4`
#[test]
fn a_token_of_another_context_is_refused() {
    isolated(|| {
        let mut ctx = Context::new();
        let token = ctx.run(|| C.set(1));
        let error = C.reset(token).unwrap_err();
        assert!(error.is_wrong_context());
        assert!(error.to_string().contains("made in another context"), "{error}");
    });
}

/// `test_token_contextmanager_with_default`
#[test]
fn a_scoped_set_ends_at_the_default() {
    isolated(|| {
        {
            let _guard = C.set_scoped(36);
            assert_eq!(C.get(), 36);
        }
        assert_eq!(C.get(), 42);
    });
}

/// `test_token_contextmanager_without_default`
#[test]
fn a_scoped_set_without_default_ends_unset() {
    isolated(|| {
        {
            let _guard = V1.set_scoped(36);
            assert_eq!(V1.get(), 36);
        }
        assert!(V1.try_get().unwrap_err().to_string().contains("`V1`"));
    });
}

/// `test_token_contextmanager_on_exception`
#[test]
fn a_scoped_set_ends_with_a_panic() {
    isolated(|| {
        let panicked = panic_of(|| {
            let _guard = C.set_scoped(36);
            assert_eq!(C.get(), 36);
            panic!("custom panic");
        });
        assert_eq!(panicked.message, "custom panic");
        assert_eq!(C.get(), 42);
    });
}

/// `test_token_contextmanager_multiple_c_set`
#[test]
fn a_scoped_set_ends_at_the_old_value_whatever_was_set_meanwhile() {
    isolated(|| {
        {
            let _guard = C.set_scoped(36);
            assert_eq!(C.get(), 36);
            C.set(24);
            assert_eq!(C.get(), 24);
            C.set(12);
            assert_eq!(C.get(), 12);
        }
        assert_eq!(C.get(), 42);
    });
}

/// `test_token_contextmanager_with_explicit_reset_another_token`
#[test]
fn a_reset_within_a_scoped_set_goes_back_to_its_value() {
    isolated(|| {
        {
            let _guard = C.set_scoped(36);
            let token = C.set(24);
            assert_eq!(C.get(), 24);
            C.reset(token).unwrap();
            assert_eq!(C.get(), 36);
        }
        assert_eq!(C.get(), 42);
    });
}
