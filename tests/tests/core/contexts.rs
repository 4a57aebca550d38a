//! Contexts as mappings: what they hold, how they are copied, compared and shown, and how code runs in them.

use std::thread;

use contextvars::{Context, ContextVar, Items, ValueRef, Variable, context_var, copy_context, inherit_context};

use crate::support::many::{MANY, many};
use crate::support::{Census, Citizen, isolated, panic_of};

#[context_var(default = 42)]
static ANSWER: i32;

#[context_var]
static NAME: String;

#[context_var]
static COUNTED: Citizen;

fn named(name: &str) -> Context {
    Context::new().with(&NAME, name.to_owned())
}

#[test]
fn a_new_context_is_empty() {
    for ctx in [Context::new(), Context::default()] {
        assert!(ctx.is_empty());
        assert_eq!(ctx.len(), 0);
        assert_eq!((ctx.iter().count(), ctx.keys().count(), ctx.values().count(), ctx.items().count()), (0, 0, 0, 0));
        assert!(!ctx.contains(&ANSWER) && ctx.get(&ANSWER).is_none());
        assert_eq!(format!("{ctx:?}"), "{}");
    }
}

#[context_var]
static FIRST: u8;

#[context_var]
static SECOND: &'static str;

#[test]
fn a_context_is_a_mapping_in_the_order_of_first_sets() {
    let first_sets = Context::new().with(&FIRST, 1).with(&SECOND, "two");
    let ctx = Context::new().with(&SECOND, "two").with(&FIRST, 1);
    assert_eq!(ctx, first_sets);
    assert_eq!(ctx.len(), 2);
    assert!(!ctx.is_empty() && ctx.contains(&FIRST) && ctx.contains(&SECOND));
    assert_eq!((ctx.get(&FIRST), ctx[&SECOND]), (Some(&1), "two"));
    assert_eq!(ctx.keys().map(Variable::name).collect::<Vec<_>>(), ["FIRST", "SECOND"]);
    assert_eq!(ctx.values().map(|value| format!("{value:?}")).collect::<Vec<_>>(), ["1", "\"two\""]);
    let from_loop = {
        let mut seen = Vec::new();
        for (variable, value) in &ctx {
            seen.push((variable.name(), format!("{value:?}")));
        }
        seen
    };
    let of = |items: Items<'_>| -> Vec<_> {
        items.map(|(variable, value)| (variable.name(), format!("{value:?}"))).collect()
    };
    assert_eq!(from_loop, [("FIRST", "1".to_owned()), ("SECOND", "\"two\"".to_owned())]);
    assert_eq!(of(ctx.iter()), from_loop);
    assert_eq!(of(ctx.items()), from_loop);
}

#[test]
fn iterators_can_be_cloned_half_way_and_shown() {
    let ctx = Context::new().with(&FIRST, 1).with(&SECOND, "two");
    let mut items = ctx.iter();
    let first = items.next().unwrap();
    let rest = items.clone();
    assert_eq!((first.0.name(), items.count(), rest.count()), ("FIRST", 1, 1));
    assert!(format!("{:?}", ctx.iter()).contains("\"two\""));
}

#[test]
fn a_value_is_downcast_to_its_own_type_only() {
    let ctx = Context::new().with(&FIRST, 1).with(&NAME, "ada".to_owned());
    let values: Vec<_> = ctx.values().collect();
    assert!(values.iter().any(|value| value.downcast_ref::<u8>() == Some(&1)));
    let name = values.iter().find_map(|value| value.downcast_ref::<String>()).unwrap();
    assert!(std::ptr::eq(name, &raw const ctx[&NAME]));
    assert!(values.iter().all(|value| value.downcast_ref::<i8>().is_none() && value.downcast_ref::<&str>().is_none()));
}

#[test]
fn a_clone_and_its_original_change_apart() {
    let mut original = named("ada");
    let mut clone = original.clone();
    original.run(|| ANSWER.set(1));
    clone.run(|| NAME.set("grace".to_owned()));
    assert_eq!((original[&NAME].as_str(), original.get(&ANSWER)), ("ada", Some(&1)));
    assert_eq!((clone[&NAME].as_str(), clone.get(&ANSWER)), ("grace", None));
}

#[test]
fn copies_share_their_values() {
    let census = Census::new();
    let ctx = Context::new().with(&COUNTED, census.citizen());
    let clones: Vec<_> = (0..10).map(|_| ctx.clone()).collect();
    let copied = ctx.clone().run(|| (copy_context(), inherit_context()));
    for copy in clones.iter().chain([&copied.0, &copied.1]) {
        assert!(std::ptr::eq(&raw const copy[&COUNTED], &raw const ctx[&COUNTED]));
    }
    assert_eq!(census.born(), 1);
    drop((clones, copied));
    assert_eq!(census.alive(), 1);
    drop(ctx);
    assert_eq!(census.alive(), 0);
}

#[test]
fn contexts_are_equal_if_they_set_the_same_variables_to_equal_values() {
    assert_eq!(Context::new(), Context::new());
    assert_eq!(named("ada"), named("ada"));
    assert_ne!(named("ada"), named("grace"));
    assert_ne!(named("ada"), Context::new());
    assert_ne!(Context::new(), named("ada"));
    assert_ne!(Context::new().with(&FIRST, 1), Context::new().with(&ANSWER, 1));
    assert_ne!(named("ada"), named("ada").with(&ANSWER, 42));
    let (a, b) = (named("ada").with(&ANSWER, 1), Context::new().with(&ANSWER, 1).with(&NAME, "ada".to_owned()));
    assert_eq!(a, b);
}

#[context_var]
static RATIO: f64;

#[test]
fn a_context_equals_its_copies_whatever_they_hold() {
    let ctx = Context::new().with(&RATIO, f64::NAN);
    assert_eq!(ctx, ctx.clone().with(&NAME, String::new()).run(|| ctx.clone()));
    assert!(ctx.diff(&ctx.clone()).is_empty());
    assert_ne!(ctx, Context::new().with(&RATIO, f64::NAN));
}

/// Has neither `PartialEq` nor `Debug`.
struct Opaque;

#[context_var]
static OPAQUE: Opaque;

#[test]
fn values_without_partial_eq_are_equal_to_themselves_only() {
    let ctx = Context::new().with(&OPAQUE, Opaque);
    assert_eq!(ctx, ctx.clone());
    assert_eq!(ctx, ctx.clone().with(&NAME, String::new()).run(|| ctx.clone()));
    assert_ne!(ctx, Context::new().with(&OPAQUE, Opaque));
}

#[context_var(redact)]
static PASSWORD: String;

#[test]
fn debug_shows_values_where_their_type_does() {
    assert_eq!(format!("{:?}", named("ada")), r#"{NAME: "ada"}"#);
    assert_eq!(
        format!("{:?}", Context::new().with(&OPAQUE, Opaque)),
        concat!("{OPAQUE: <", module_path!(), "::Opaque>}")
    );
}

#[test]
fn debug_does_not_show_what_is_redacted() {
    let mut ctx = Context::new().with(&PASSWORD, "hunter2".to_owned());
    assert_eq!(format!("{ctx:?}"), "{PASSWORD: <redacted>}");
    let token = ctx.run(|| PASSWORD.set("correct horse".to_owned()));
    for shown in [
        format!("{ctx:#?}"),
        format!("{token:?} {token:#?}"),
        format!("{:?}", ctx.values().next().unwrap()),
        format!("{:?}", ctx.iter()),
    ] {
        assert!(shown.contains("<redacted>"), "{shown}");
        assert!(!shown.contains("hunter2") && !shown.contains("horse"), "{shown}");
    }
}

#[test]
fn alternate_debug_shows_where_variables_were_declared() {
    let shown = format!("{:#?}", named("ada"));
    let variable = NAME.variable();
    assert_eq!(shown, format!("{{\n    NAME ({}:{}): \"ada\",\n}}", variable.file(), variable.line()));
}

#[test]
fn with_builds_a_context_without_entering_it() {
    let census = Census::new();
    let ctx = Context::new().with(&COUNTED, census.citizen()).with(&NAME, "ada".to_owned());
    assert!(!COUNTED.is_set() && !NAME.is_set());
    let ctx = ctx.with(&COUNTED, census.citizen());
    assert_eq!((ctx.len(), census.born(), census.alive()), (2, 2, 1));
}

#[test]
fn with_on_a_copy_leaves_the_original_as_it_is() {
    let original = named("ada");
    let changed = original.clone().with(&NAME, "grace".to_owned());
    assert_eq!((original[&NAME].as_str(), changed[&NAME].as_str()), ("ada", "grace"));
}

#[test]
fn run_enters_the_context_and_keeps_its_changes() {
    isolated(|| {
        NAME.set("outside".to_owned());
        let mut ctx = named("ada");
        let length = ctx.run(|| {
            assert_eq!(NAME.get(), "ada");
            NAME.set("grace".to_owned());
            ANSWER.set(1);
            NAME.with(String::len)
        });
        assert_eq!(length, 5);
        assert_eq!((ctx[&NAME].as_str(), ctx[&ANSWER]), ("grace", 1));
        assert_eq!((NAME.get().as_str(), ANSWER.is_set()), ("outside", false));
        assert_eq!(ctx.run(|| NAME.get()), "grace");
    });
}

#[test]
fn runs_nest() {
    let (mut outer, mut inner) = (named("outer"), named("inner"));
    outer.run(|| {
        inner.run(|| {
            assert_eq!(NAME.get(), "inner");
            copy_context().run(|| NAME.set("innermost".to_owned()));
            assert_eq!(NAME.get(), "inner");
        });
        assert_eq!(NAME.get(), "outer");
        NAME.set("changed".to_owned());
    });
    assert_eq!((outer[&NAME].as_str(), inner[&NAME].as_str()), ("changed", "inner"));
}

#[test]
fn a_context_may_be_dropped_by_the_code_that_runs_in_another() {
    let census = Census::new();
    let ctx = Context::new().with(&COUNTED, census.citizen());
    named("ada").run(move || drop(ctx));
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_context_runs_on_other_threads_too() {
    let mut ctx = named("ada");
    thread::scope(|scope| {
        scope.spawn(|| ctx.run(|| NAME.set(format!("{} of another thread", NAME.get()))));
    });
    assert_eq!(ctx[&NAME], "ada of another thread");
}

#[test]
fn each_call_of_a_wrapped_function_runs_in_a_copy_of_its_own() {
    let next = Context::new().with(&ANSWER, 10).wrap(|| {
        ANSWER.set(ANSWER.get() + 1);
        ANSWER.get()
    });
    assert_eq!((next(), next()), (11, 11));
    isolated(|| {
        ANSWER.set(1);
        assert_eq!((next(), ANSWER.get()), (11, 1));
    });
    thread::scope(|scope| {
        let both = [scope.spawn(&next), scope.spawn(&next)];
        assert_eq!(both.map(|thread| thread.join().unwrap()), [11, 11]);
    });
}

#[test]
fn a_wrapped_function_may_call_itself() {
    fn down(n: u32) -> i32 {
        ANSWER.set(ANSWER.get() + 1);
        if n == 0 { ANSWER.get() } else { copy_context().wrap_fn(down)(n - 1) }
    }
    let down_from = Context::new().with(&ANSWER, 0).wrap_fn(down);
    assert_eq!([3, 3].map(&down_from), [4, 4]);
}

#[test]
fn a_wrapped_function_owns_its_context() {
    let census = Census::new();
    let wrapped = Context::new().with(&COUNTED, census.citizen()).wrap_fn(|n: usize| n + COUNTED.with(|_| 1));
    assert_eq!((wrapped(1), census.alive()), (2, 1));
    drop(wrapped);
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_panic_in_a_wrapped_function_is_its_caller_s_and_the_next_call_begins_anew() {
    isolated(|| {
        ANSWER.set(1);
        let wrapped = Context::new().with(&ANSWER, 7).wrap_fn(|panics: bool| {
            let before = ANSWER.get();
            ANSWER.set(8);
            assert!(!panics, "the function's");
            before
        });
        let message = panic_of(|| wrapped(true)).message;
        assert_eq!((message.as_str(), ANSWER.get()), ("the function's", 1));
        assert_eq!((wrapped(false), ANSWER.get()), (7, 1));
    });
}

#[context_var(inherit = false)]
static TRANSACTION: u32;

#[test]
fn a_child_gets_all_but_the_variables_that_must_stay_behind() {
    named("ada").with(&TRANSACTION, 1).run(|| {
        let child = inherit_context();
        assert_eq!(child.keys().map(Variable::name).collect::<Vec<_>>(), ["NAME"]);
        assert_eq!(TRANSACTION.get(), 1);
        assert_eq!(copy_context().len(), 2);
    });
}

#[test]
fn what_must_stay_behind_does_so_however_it_was_set() {
    isolated(|| {
        let token = TRANSACTION.set(1);
        assert!(inherit_context().is_empty());
        assert_eq!(copy_context().run(|| (TRANSACTION.get(), inherit_context().len())), (1, 0));
        assert_eq!(copy_context().clone().run(|| inherit_context().len()), 0);
        TRANSACTION.reset(token).unwrap();
        assert!(inherit_context().is_empty());
        {
            let _guard = TRANSACTION.set_scoped(2);
            assert!(inherit_context().is_empty());
        }
    });
    // A child can begin a transaction of its own, which does not reach its children either.
    let mut child = Context::new().with(&TRANSACTION, 1).run(inherit_context);
    assert!(child.is_empty());
    child.run(|| TRANSACTION.set(2));
    assert_eq!((child[&TRANSACTION], child.run(inherit_context).len()), (2, 0));
    // A value that a reset brings back is one that was set.
    let mut ctx = Context::new().with(&TRANSACTION, 1);
    let token = ctx.run(|| TRANSACTION.set(2));
    ctx.run(|| TRANSACTION.reset(token)).unwrap();
    assert_eq!((ctx[&TRANSACTION], ctx.run(inherit_context).len()), (1, 0));
}

#[test]
fn what_a_run_sets_is_kept_though_the_context_has_its_identity_already() {
    let mut ctx = named("ada");
    let token = ctx.run(|| NAME.set("grace".to_owned()));
    // The map is shared now, so a set makes another: of the context, only that is new.
    let copy = ctx.clone();
    drop(ctx.run(|| NAME.set("joan".to_owned())));
    assert_eq!((ctx[&NAME].as_str(), copy[&NAME].as_str()), ("joan", "grace"));
    ctx.run(|| NAME.reset(token)).unwrap();
    assert_eq!(ctx[&NAME], "ada");
}

#[test]
fn a_map_that_is_made_where_another_was_is_not_taken_for_it() {
    let mut ctx = named("ada");
    drop(ctx.run(|| NAME.set("grace".to_owned())));
    for turn in 0..100 {
        // Each of these sets makes a map and lets the one before go, so that the last is often where the first was.
        ctx.run(|| {
            for step in 0..3 {
                let copy = copy_context();
                drop(NAME.set(format!("{turn}.{step}")));
                drop(copy);
            }
        });
        assert_eq!(ctx[&NAME], format!("{turn}.2"));
    }
}

/// The number that belongs under the variable at `index`.
fn number(index: usize) -> u32 {
    u32::try_from(index).expect("small") * 7 + 1
}

/// All variables, in an order that jumps about.
fn shuffled() -> Vec<(usize, &'static ContextVar<u32>)> {
    let all = many();
    (0..all.len()).map(|step| step * 389 % all.len()).map(|index| (index, all[index])).collect()
}

#[test]
fn a_context_holds_as_many_variables_as_there_are() {
    let mut ctx = Context::new();
    let tokens = ctx.run(|| shuffled().into_iter().map(|(at, var)| var.set(number(at))).collect::<Vec<_>>());
    assert_eq!((many().len(), ctx.len()), (MANY, MANY));
    for (index, var) in shuffled() {
        assert_eq!((ctx[var], ctx.run(|| var.get())), (number(index), number(index)));
    }
    assert_eq!(ctx.keys().map(std::ptr::from_ref).collect::<std::collections::HashSet<_>>().len(), MANY);
    assert_eq!(ctx.values().filter_map(ValueRef::downcast_ref::<u32>).count(), MANY);
    assert_eq!(ctx, ctx.clone());
    for (left, token) in (0..MANY).rev().zip(tokens) {
        let var = token.var();
        ctx.run(|| var.reset(token)).unwrap();
        assert!(!ctx.contains(var));
        assert_eq!(ctx.len(), left);
    }
    assert!(ctx.is_empty());
    assert_eq!(ctx, Context::new());
}

#[test]
fn copies_of_a_large_context_change_apart() {
    let full = shuffled().into_iter().fold(Context::new(), |ctx, (index, var)| ctx.with(var, number(index)));
    let all = many();
    let copies: Vec<_> = all.iter().map(|var| full.clone().with(var, 0)).collect();
    for (changed, copy) in copies.iter().enumerate() {
        let zeroes = copy.values().map(ValueRef::downcast_ref::<u32>).filter(|number| *number == Some(&0));
        assert_eq!((zeroes.count(), copy[all[changed]]), (1, 0));
        assert_eq!(copy[all[(changed + 1) % MANY]], number((changed + 1) % MANY));
    }
    drop(copies);
    assert!(all.into_iter().enumerate().all(|(index, var)| full[var] == number(index)));
}

#[test]
fn a_private_variable_among_many_stays_behind() {
    let full = shuffled().into_iter().fold(Context::new(), |ctx, (index, var)| ctx.with(var, number(index)));
    let child = full.clone().with(&TRANSACTION, 1).run(inherit_context);
    assert_eq!(child, full);
}
