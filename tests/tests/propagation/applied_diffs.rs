//! `Diff::apply`: the changes that were made in another context are made here.

use std::thread as plain_thread;

use contextvars::{Context, ContextExt, context_var, copy_context, inherit_context, tokio, with_context};

use crate::support::{Census, Citizen, isolated, named, on_a_thread, panic_of, yielding};

#[context_var(default = 0)]
static COUNT: u64;

#[context_var]
static USER: String;

#[context_var(inherit = false)]
static TRANSACTION: u64;

#[context_var(redact)]
static PASSWORD: &'static str;

#[context_var]
static CITIZEN: Citizen;

fn user(name: &str) -> Context {
    Context::new().with(&USER, name.to_owned())
}

#[test]
fn what_was_set_changed_and_unset_is_so_here_and_nothing_else_is() {
    let before = user("ada").with(&PASSWORD, "hunter2");
    let after = before.clone().without(&PASSWORD).with(&USER, "grace".to_owned()).with(&COUNT, 2);
    let mut here = before.clone().with(&TRANSACTION, 5);
    here.run(|| before.diff(&after).apply());
    assert_eq!(here, user("grace").with(&COUNT, 2).with(&TRANSACTION, 5));
    // And backwards.
    here.run(|| after.diff(&before).apply());
    assert_eq!(here, before.with(&TRANSACTION, 5));
}

#[test]
fn what_was_set_here_meanwhile_stays_unless_both_have_set_it() {
    let before = user("ada");
    let after = before.clone().with(&COUNT, 2);
    let mut here = user("grace").with(&COUNT, 1);
    here.run(|| before.diff(&after).apply());
    assert_eq!(here, user("grace").with(&COUNT, 2));
}

#[tokio::test]
async fn what_a_spawned_future_changed_comes_back_when_it_is_applied_and_not_before() {
    let request = async {
        COUNT.set(1);
        TRANSACTION.set(7);
        let before = inherit_context();
        let work = async {
            COUNT.set(COUNT.get() + 41);
            yielding().await;
            USER.set("ada".to_owned());
            TRANSACTION.set(8);
            inherit_context()
        };
        let after = tokio::spawn(work.in_context(before.clone())).await.unwrap();
        assert_eq!(copy_context(), Context::new().with(&COUNT, 1).with(&TRANSACTION, 7));
        before.diff(&after).apply();
        copy_context()
    };
    let expected = user("ada").with(&COUNT, 42).with(&TRANSACTION, 7);
    assert_eq!(request.in_context(Context::new()).await, expected, "a transaction of the task's own stays there");
}

#[tokio::test]
async fn a_task_that_panics_or_is_aborted_changes_nothing_here() {
    let request = async {
        COUNT.set(1);
        for aborts in [false, true] {
            let work = async move {
                COUNT.set(2);
                if aborts {
                    std::future::pending::<()>().await;
                }
                std::panic::resume_unwind(Box::new("no stock"));
            };
            let task = tokio::spawn(work);
            tokio::task::yield_now().await;
            if aborts {
                task.abort();
            }
            assert!(task.await.is_err());
        }
        COUNT.get()
    };
    assert_eq!(request.in_context(Context::new()).await, 1);
}

#[test]
fn many_tasks_bring_back_what_is_theirs() {
    isolated(|| {
        let before = inherit_context();
        let count = before.clone().wrap_once(|| {
            COUNT.set(1);
            copy_context()
        });
        let name = before.clone().wrap_once(|| {
            USER.set("ada".to_owned());
            copy_context()
        });
        let (count, name) = (plain_thread::spawn(count), plain_thread::spawn(name));
        for after in [name.join().unwrap(), count.join().unwrap()] {
            before.diff(&after).apply();
        }
        assert_eq!(copy_context(), user("ada").with(&COUNT, 1));
    });
}

#[test]
fn what_must_not_be_inherited_is_not_after_it_came_back_either() {
    isolated(|| {
        let after = Context::new().with(&TRANSACTION, 3);
        Context::new().diff(&after).apply();
        assert_eq!((TRANSACTION.try_get().ok(), inherit_context().is_empty()), (Some(3), true));
    });
}

#[test]
fn a_scope_contains_what_is_applied_in_it() {
    let after = user("grace").with(&COUNT, 2);
    let mut here = user("ada");
    here.run(|| {
        with_context!(COUNT = 1, {
            Context::new().diff(&after).apply();
            assert_eq!(copy_context(), after);
        });
    });
    assert_eq!(here, user("ada"));
}

#[test]
fn nothing_is_applied_where_sets_are_refused_and_the_message_names_a_variable() {
    let apply = async {
        let (empty, after) = (Context::new(), Context::new().with(&COUNT, 2));
        let panicked = panic_of(|| empty.diff(&after).apply());
        // Where there is nothing to do there is nothing to refuse.
        after.diff(&after).apply();
        (panicked, line!() - 3, COUNT.is_set())
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let (panicked, line, is_set) = runtime.block_on(runtime.spawn(apply)).unwrap();
    assert!(panicked.message.starts_with(&format!("cannot set {}", named(COUNT.variable()))), "{}", panicked.message);
    assert_eq!((panicked.file.as_str(), panicked.line, is_set), (file!(), line, false));
}

#[test]
fn what_is_replaced_is_freed_and_what_was_brought_is_freed_with_the_context() {
    on_a_thread(|| {
        let census = Census::new();
        let mut here = Context::new().with(&CITIZEN, census.citizen());
        let after = Context::new().with(&CITIZEN, census.citizen());
        here.run(|| Context::new().diff(&after).apply());
        drop(after);
        assert_eq!(census.alive(), 1);
        drop(here);
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn a_variable_is_changed_by_a_set_of_what_was_read() {
    isolated(|| {
        USER.set("ada".to_owned());
        USER.set(USER.with(|name| format!("{name} lovelace")));
        COUNT.set(COUNT.get() + 1); // of a default, too
        assert_eq!((USER.get(), COUNT.get()), ("ada lovelace".to_owned(), 1));
    });
}
