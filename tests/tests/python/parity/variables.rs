//! Cases about variables: their names, and what get, set and reset do.

use std::sync::{Mutex, PoisonError};

use contextvars::{Context, ValueRef, context_var, copy_context};

use crate::support::isolated;

#[context_var]
static C: &'static str;

#[context_var(default = "42")]
static WITH_DEFAULT: &'static str;

/// `test_context_var_new_1`
#[test]
fn a_variable_has_the_name_it_was_declared_with() {
    assert_eq!(C.name(), "C");
}

/// `test_context_var_repr_1`
#[test]
fn the_debug_output_of_a_variable_names_it() {
    assert!(format!("{C:?}").contains("::C)"));
    assert!(format!("{WITH_DEFAULT:?}").contains("WITH_DEFAULT"));
}

/// `test_context_getset_1`
#[test]
fn get_set_and_reset_in_turn() {
    isolated(|| {
        assert!(C.try_get().is_err());
        assert_eq!(C.get_or("none"), "none");

        let first = C.set("42");
        assert_eq!((C.get(), C.get_or("none")), ("42", "42"));
        assert_eq!(first.old_value(), None);
        assert!(std::ptr::eq(first.var(), &raw const C));

        let second = C.set("spam");
        assert_eq!((C.get(), C.get_or("none")), ("spam", "spam"));
        assert_eq!(second.old_value(), Some(&"42"));
        C.reset(second).unwrap();
        assert_eq!((C.get(), C.get_or("none")), ("42", "42"));

        C.set("spam2");
        let before = copy_context();
        assert!(before.contains(&C));
        C.reset(first).unwrap();
        assert_eq!(C.get_or("none"), "none");

        assert!(before.contains(&C));
        assert_eq!(before[&C], "spam2");
        assert_eq!(before.get(&C), Some(&"spam2"));
        assert_eq!(before.len(), 1);
        let items: Vec<_> = before.items().map(|(var, value)| (var.name(), value.downcast_ref())).collect();
        assert_eq!(items, [("C", Some(&"spam2"))]);
        let values: Vec<_> = before.values().map(ValueRef::downcast_ref::<&str>).collect();
        assert_eq!(values, [Some(&"spam2")]);
        assert!(before.keys().eq_by_name(["C"]));

        let after = copy_context();
        assert!(!after.contains(&C));
        assert!(crate::support::panic_of(|| after[&C]).message.contains("`C`"));
        assert_eq!(after.get(&C), None);
        assert_eq!(after.len(), 0);
        assert!(after.iter().next().is_none());
    });
}

/// `test_context_getset_3`
#[test]
fn a_default_is_in_no_context() {
    let mut ctx = Context::new();
    ctx.run(|| {
        let ctx = copy_context();
        assert_eq!(WITH_DEFAULT.get(), "42");
        assert!(crate::support::panic_of(|| ctx[&WITH_DEFAULT]).message.contains("`WITH_DEFAULT`"));
        assert_eq!(ctx.get(&WITH_DEFAULT), None);
        assert!(!ctx.contains(&WITH_DEFAULT));
        assert!(ctx.keys().next().is_none());

        let token = WITH_DEFAULT.set("1");
        let ctx = copy_context();
        assert!(ctx.keys().eq_by_name(["WITH_DEFAULT"]));
        assert_eq!(ctx[&WITH_DEFAULT], "1");

        WITH_DEFAULT.reset(token).unwrap();
        let ctx = copy_context();
        assert!(ctx.keys().next().is_none());
        assert_eq!(ctx.get(&WITH_DEFAULT), None);
    });
    assert!(ctx.is_empty());
}

#[context_var(default)]
static LIST: Mutex<Vec<i32>>;

/// `test_context_getset_5`
#[test]
fn a_value_that_can_change_is_changed_where_it_is() {
    fn list() -> Vec<i32> {
        LIST.with(|list| list.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
    isolated(|| {
        LIST.set(Mutex::default());
        copy_context().run(|| {
            LIST.set(Mutex::default());
            LIST.with(|list| list.lock().unwrap().push(42));
            assert_eq!(list(), [42]);
        });
        assert!(list().is_empty());
        copy_context().run(|| LIST.with(|list| list.lock().unwrap().push(7)));
        assert_eq!(list(), [7], "a copy of a context holds the same value, not a copy of it");
    });
}

trait EqByName {
    fn eq_by_name<const N: usize>(self, names: [&str; N]) -> bool;
}

impl<I: Iterator<Item = &'static contextvars::Variable>> EqByName for I {
    fn eq_by_name<const N: usize>(self, names: [&str; N]) -> bool {
        self.map(contextvars::Variable::name).eq(names)
    }
}
