//! `Context::without` and `retain`: variables that a program holds back, whatever their declarations say.

use std::mem;
use std::pin::pin;
use std::task::Poll;

use contextvars::{
    Context, ContextExt, ContextVar, context_var, copy_context, inherit_context, thread, tokio, with_context,
};

use crate::support::many::{MANY, many};
use crate::support::{Census, Citizen, isolated, on_a_thread, panic_of, poll, yielding};

#[context_var]
static TENANT: u32;

#[context_var(default = 0)]
static STEP: u32;

#[context_var(inherit = false)]
static TRANSACTION: u32;

#[context_var]
static COUNTED: Citizen;

#[context_var]
static NEVER_SET: u32;

mod another_crate {
    //! Keeps its variable to itself, as another crate may.

    #[contextvars::context_var]
    static CONNECTION: u32;

    pub(crate) fn connect() {
        CONNECTION.set(5);
    }

    pub(crate) fn is_connected() -> bool {
        CONNECTION.is_set()
    }
}

fn all() -> Context {
    Context::new().with(&TENANT, 1).with(&STEP, 2).with(&TRANSACTION, 3)
}

#[test]
fn what_is_left_out_is_unset_and_nothing_else_is() {
    let before = all();
    let after = before.clone().without(&STEP);
    assert_eq!(after, Context::new().with(&TENANT, 1).with(&TRANSACTION, 3));
    assert_eq!((after.len(), after.contains(&STEP)), (2, false));
    assert_eq!(before, all(), "a copy changes apart");
    assert_eq!(after.with(&STEP, 2), before, "and it can be set again");
}

#[test]
fn a_variable_that_is_not_set_can_be_left_out_and_nothing_changes() {
    assert_eq!(all().without(&NEVER_SET), all());
    assert!(Context::new().without(&TENANT).without(&NEVER_SET).is_empty());
}

#[test]
fn a_context_of_which_all_is_left_out_is_like_a_new_one() {
    let mut ctx = all().without(&TENANT).without(&STEP).without(&TRANSACTION);
    assert_eq!((ctx.is_empty(), &ctx), (true, &Context::new()));
    ctx.run(|| assert_eq!((TENANT.is_set(), STEP.get(), copy_context().len()), (false, 0, 0)));
    // Nor does it show what its thread has.
    on_a_thread(move || {
        TENANT.set(9);
        ctx.run(|| assert!(!TENANT.is_set() && !inherit_context().contains(&TENANT)));
    });
}

#[test]
fn where_a_variable_is_left_out_its_default_is_found_and_it_can_be_set() {
    all().without(&STEP).run(|| {
        assert_eq!((STEP.get(), STEP.is_set()), (0, false));
        let token = STEP.set(4);
        assert_eq!((token.old_value(), STEP.get()), (None, 4));
        STEP.reset(token).unwrap();
        assert!(!STEP.is_set());
    });
}

#[test]
fn a_scope_in_which_a_variable_is_unset_ends_with_the_code_or_the_future() {
    isolated(|| {
        TENANT.set(1);
        STEP.set(2);
        let seen = || (TENANT.is_set(), STEP.get());
        assert_eq!(copy_context().without(&TENANT).run(seen), (false, 2));
        let future = async {
            yielding().await;
            seen()
        };
        let seen_by_the_future = pollster::block_on(future.in_context(copy_context().without(&TENANT)));
        assert_eq!((seen_by_the_future, seen()), ((false, 2), (true, 2)));
    });
}

#[test]
fn a_program_holds_back_from_a_child_what_another_crate_lets_be_inherited() {
    isolated(|| {
        TENANT.set(1);
        another_crate::connect();
        let mut ctx = inherit_context();
        assert_eq!(ctx.len(), 2);
        ctx.retain(|variable, _| variable.module_path() != concat!(module_path!(), "::another_crate"));
        let child = thread::spawn(ctx.wrap_once(|| (TENANT.get(), another_crate::is_connected())));
        assert_eq!(child.join().unwrap(), (1, false));
        assert!(another_crate::is_connected());
    });
}

#[test]
fn a_task_and_what_it_spawns_have_nothing_of_what_was_held_back() {
    let work = async {
        TENANT.set(1);
        STEP.set(2);
        let task = async { tokio::spawn(async { (TENANT.is_set(), STEP.get()) }).await.unwrap() };
        tokio::spawn(task.in_context(inherit_context().without(&TENANT))).await.unwrap()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(work.in_context(Context::new())), (false, 2));
}

#[test]
fn what_is_held_back_is_not_kept_alive() {
    let census = Census::new();
    isolated(|| {
        COUNTED.set(census.citizen());
        let (all, without) = (inherit_context(), inherit_context().without(&COUNTED));
        let token = COUNTED.set(census.citizen());
        drop((token, all));
        assert_eq!(census.alive(), 1, "the first is gone");
        drop(without);
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn retain_asks_once_about_each_variable_with_its_value_and_keeps_what_is_to_stay() {
    let mut ctx = all();
    let mut asked = Vec::new();
    ctx.retain(|variable, value| {
        asked.push((variable.name(), *value.downcast_ref::<u32>().unwrap()));
        variable.inherits()
    });
    asked.sort_unstable();
    assert_eq!(asked, [("STEP", 2), ("TENANT", 1), ("TRANSACTION", 3)]);
    assert_eq!(ctx, Context::new().with(&TENANT, 1).with(&STEP, 2));
    ctx.retain(|_, _| true);
    assert_eq!(ctx.len(), 2);
    ctx.retain(|_, _| false);
    assert!(ctx.is_empty());
}

#[test]
fn a_panic_in_retain_leaves_the_context_as_it_was() {
    let mut ctx = all();
    let mut calls = 0;
    let panicked = panic_of(|| {
        ctx.retain(|_, _| {
            calls += 1;
            assert!(calls < 3, "the third");
            false
        });
    });
    assert_eq!((panicked.message.as_str(), ctx), ("the third", all()));
}

#[test]
fn what_must_stay_behind_still_does_when_other_variables_were_left_out() {
    let mut ctx = all().without(&TENANT);
    ctx.run(|| assert_eq!(inherit_context(), Context::new().with(&STEP, 2)));
    // Left out and set again, too.
    let mut ctx = ctx.without(&TRANSACTION).with(&TRANSACTION, 4);
    ctx.run(|| assert_eq!(inherit_context(), Context::new().with(&STEP, 2)));
}

#[test]
fn a_context_is_the_same_one_afterwards_so_its_tokens_are_good() {
    let mut ctx = all();
    let token = ctx.run(|| STEP.set(9));
    let mut ctx = ctx.without(&TENANT);
    ctx.run(|| STEP.reset(token).unwrap());
    assert_eq!(ctx[&STEP], 2);
    let token = ctx.run(|| STEP.set(9));
    ctx.retain(|variable, _| variable.name() != "STEP");
    ctx.run(|| STEP.reset(token).unwrap());
    assert_eq!(ctx[&STEP], 2, "what was there before the set is back");
}

#[context_var]
static TIDIES_UP: TidiesUp;

/// Sets a variable when it is dropped.
struct TidiesUp(&'static ContextVar<u32>);

impl Drop for TidiesUp {
    fn drop(&mut self) {
        self.0.set(self.0.get_or(0) + 100);
    }
}

#[test]
fn a_value_that_is_left_out_is_freed_in_an_empty_context() {
    isolated(|| {
        STEP.set(1);
        let mut ctx = Context::new().with(&TIDIES_UP, TidiesUp(&STEP)).without(&TIDIES_UP);
        ctx = ctx.with(&TIDIES_UP, TidiesUp(&STEP));
        ctx.retain(|_, _| false);
        assert_eq!((STEP.get(), ctx.contains(&STEP)), (1, false));
    });
}

/// An `.await` that `with_context!` does not see.
macro_rules! hidden_await {
    ($future:expr) => {
        $future.await
    };
}

/// Whether a variable is set in a plain scope that is held across an `.await`, which is a mistake, and after it.
#[expect(clippy::await_holding_invalid_type, reason = "the very mistake that is tested")]
async fn seen_in_a_suspended_scope() -> (bool, bool) {
    let within = with_context!(STEP = 5, {
        hidden_await!(yielding());
        TENANT.is_set()
    });
    (within, TENANT.is_set())
}

#[test]
fn what_is_left_out_from_outside_is_back_when_a_suspended_scope_ends() {
    on_a_thread(|| {
        for retains in [false, true] {
            let mut work = pin!(seen_in_a_suspended_scope().in_context(all()));
            assert!(poll(work.as_mut()).is_pending());
            let context = work.as_mut().context_mut();
            if retains {
                context.retain(|variable, _| variable.name() != "TENANT");
            } else {
                *context = mem::take(context).without(&TENANT);
            }
            assert_eq!(poll(work.as_mut()), Poll::Ready((false, true)));
            assert_eq!(*work.context(), all());
        }
    });
}

#[test]
fn any_of_many_can_be_left_out_and_the_others_stay() {
    let full = many().into_iter().zip(0..).fold(Context::new(), |ctx, (var, number)| ctx.with(var, number));
    for (at, var) in many().into_iter().enumerate().step_by(7) {
        let ctx = full.clone().without(var);
        assert_eq!((ctx.len(), ctx.contains(var)), (MANY - 1, false), "{at}");
    }
    let mut odd = full.clone();
    odd.retain(|_, value| value.downcast_ref::<u32>().unwrap() % 2 == 1);
    assert!(many().into_iter().zip(0..).all(|(var, number)| odd.get(var) == (number % 2 == 1).then_some(&number)));
    assert_eq!((odd.len(), full.len()), (MANY / 2, MANY));
}
