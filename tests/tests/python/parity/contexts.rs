//! Cases about contexts as objects: making, copying, looking into and comparing them.

use contextvars::{Context, SharedContext, context_var, copy_context};

use crate::support::isolated;
use crate::support::panic_of;

#[context_var(default = 42)]
static C: i32;

#[context_var]
static NAME: &'static str;

/// `test_context_new_1`
#[test]
fn a_new_context_is_empty() {
    isolated(|| {
        C.set(1);
        assert!(Context::new().is_empty());
        assert!(Context::default().is_empty());
    });
}

/// `test_context_get_context_1`
#[test]
fn copy_context_returns_a_context() {
    isolated(|| {
        C.set(1);
        let ctx: Context = copy_context();
        assert_eq!(ctx.get(&C), Some(&1));
    });
}

/// `test_context_copy_1`
#[test]
fn a_copy_and_its_original_change_apart() {
    let mut first = Context::new();
    let second = first.run(|| {
        C.set(10);
        let mut second = copy_context();
        assert_eq!(second[&C], 10);

        C.set(20);
        assert_eq!(copy_context()[&C], 20);
        assert_eq!(second[&C], 10);

        second.run(|| {
            assert_eq!(C.get(), 10);
            C.set(30);
            assert_eq!(C.get(), 30);
        });
        assert_eq!(copy_context()[&C], 20);
        assert_eq!(second[&C], 30);
        second
    });
    assert_eq!((first[&C], second[&C]), (20, 30));
    let mut third = first.clone();
    third.run(|| C.set(40));
    assert_eq!((first[&C], third[&C]), (20, 40));
}

/// `test_context_isinstance`
#[test]
fn a_context_has_every_method_of_a_mapping() {
    let ctx = Context::new().with(&C, 1).with(&NAME, "ada");
    let empty = Context::new();
    // `__contains__`, `__getitem__`, `get`
    assert!(ctx.contains(&C) && !empty.contains(&C));
    assert_eq!(ctx[&C], 1);
    assert!(panic_of(|| empty[&C]).message.contains("`C`"));
    assert_eq!((ctx.get(&NAME), empty.get(&NAME)), (Some(&"ada"), None));
    // `__iter__`, `__len__`, `keys`, `values`, `items`
    assert_eq!((ctx.len(), empty.len()), (2, 0));
    let mut keys: Vec<_> = ctx.keys().map(contextvars::Variable::name).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["C", "NAME"]);
    let mut values: Vec<_> = ctx.values().map(|value| format!("{value:?}")).collect();
    values.sort_unstable();
    assert_eq!(values, ["\"ada\"", "1"]);
    assert!(ctx.items().map(|(var, _)| var.name()).eq(ctx.keys().map(contextvars::Variable::name)));
    assert!(ctx.into_iter().map(|(var, _)| var.name()).eq(ctx.keys().map(contextvars::Variable::name)));
    // `__eq__`, `__ne__`
    assert!(ctx == ctx.clone() && ctx != empty);
}

/// `test_hamt_eq_1` and `test_hamt_eq_2`, whose map shows its equality in contexts only
#[test]
fn contexts_are_equal_if_their_variables_are() {
    let one = Context::new().with(&C, 1);
    assert_eq!(one, Context::new().with(&C, 1));
    assert_ne!(one, Context::new().with(&C, 2));
    assert_ne!(one, one.clone().with(&NAME, "ada"));
    assert_ne!(one.clone().with(&NAME, "ada"), one.clone().with(&NAME, "grace"));
    assert_ne!(one, Context::new().with(&NAME, "ada"));
    let (forth, back) = (one.clone().with(&NAME, "ada"), Context::new().with(&NAME, "ada").with(&C, 3).with(&C, 1));
    assert_eq!(forth, back);
    assert_eq!(Context::new(), Context::new());
}

/// Sets the variable it is a value of, in its shared context and in the current one, whenever it is compared.
struct Meddler {
    home: Option<SharedContext>,
}

impl PartialEq for Meddler {
    fn eq(&self, _: &Self) -> bool {
        if let Some(home) = &self.home {
            home.run(|| MEDDLER.set(Meddler { home: None })).expect("nobody is in there");
        }
        MEDDLER.set(Meddler { home: None });
        true
    }
}

#[context_var]
static MEDDLER: Meddler;

/// `test_context_eq_reentrant_contextvar_set`
#[test]
fn a_comparison_may_set_variables_in_the_contexts_compared() {
    let (first, second) = (SharedContext::new(), SharedContext::new());
    let home = first.clone();
    first.run(|| MEDDLER.set(Meddler { home: Some(home) })).unwrap();
    second.run(|| MEDDLER.set(Meddler { home: None })).unwrap();
    assert!(first.copy().unwrap() == second.copy().unwrap());
    let left = first.copy().unwrap();
    assert!(left[&MEDDLER].home.is_none(), "the comparison has set it");

    // Where the context compared is the current one.
    let mut entered = second.copy().unwrap();
    entered.run(|| assert!(copy_context() == left));
    assert!(entered == left);
}
