//! Hooks of other makers, beside those that carry contexts and in their place.

use std::sync::{Arc, Mutex};

use contextvars::ContextExt;
use contextvars::tokio::{InheritContexts, Inheritance};
use tokio::runtime::Builder;

use super::{COUNT, REQUEST_ID, request, single_threaded};
use crate::support;

#[test]
fn hooks_of_ones_own_run_besides_in_the_context_of_the_task() {
    type Log = Arc<Mutex<Vec<(&'static str, u64)>>>;
    let log = Log::default();
    let note = |word: &'static str| {
        let log = log.clone();
        move |_: &tokio::runtime::TaskMeta<'_>| log.lock().unwrap().push((word, REQUEST_ID.get()))
    };
    let inheritance = Inheritance::new()
        .on_task_spawn(note("spawn"))
        .on_before_task_poll(note("before"))
        .on_after_task_poll(note("after"))
        .on_task_terminate(note("terminate"));
    let runtime = single_threaded(inheritance);
    runtime.block_on(
        async {
            let task = async { drop(REQUEST_ID.set(8)) };
            tokio::spawn(task).await.unwrap();
        }
        .in_context(request(7)),
    );
    drop(runtime);
    let expected = [("spawn", 7), ("before", 7), ("terminate", 8), ("after", 8)];
    assert_eq!(*log.lock().unwrap(), expected);
}

#[test]
fn to_install_the_hooks_twice_on_one_builder_is_refused_at_the_second_call() {
    let twice: [fn(); 3] = [
        || {
            Builder::new_current_thread().inherit_contexts().inherit_contexts();
        },
        || {
            Builder::new_current_thread().inherit_contexts_by(Inheritance::of_all()).inherit_contexts();
        },
        || {
            Builder::new_current_thread().inherit_contexts().inherit_contexts_by(Inheritance::new());
        },
    ];
    for install in twice {
        let panicked = support::panic_of(install);
        assert!(panicked.message.contains("`inherit_contexts` was called twice on one builder"), "{panicked:?}");
        assert_eq!(panicked.file, file!());
    }
}

#[test]
fn two_builders_and_two_runtimes_of_one_builder_have_hooks_of_their_own() {
    let mut first = Builder::new_current_thread();
    let mut second = Builder::new_current_thread();
    first.inherit_contexts();
    second.inherit_contexts_by(Inheritance::new().except_where(|_| true));
    let seen = |builder: &mut Builder| {
        let spawn = async { tokio::spawn(async { REQUEST_ID.get() }).await };
        builder.build().unwrap().block_on(spawn.in_context(request(7))).unwrap()
    };
    assert_eq!([seen(&mut first), seen(&mut second), seen(&mut first)], [7, 0, 7]);
}

#[test]
fn a_hook_that_was_replaced_is_named() {
    type Replace = fn(&mut Builder) -> &mut Builder;
    let replaced: [(&str, Replace); 3] = [
        ("on_task_spawn", |builder| builder.on_task_spawn(|_| {})),
        ("on_before_task_poll", |builder| builder.on_before_task_poll(|_| {})),
        ("on_after_task_poll", |builder| builder.on_after_task_poll(|_| {})),
    ];
    for (hook, replace) in replaced {
        let runtime = replace(Builder::new_current_thread().inherit_contexts()).build().unwrap();
        let panicked = support::panic_of(|| {
            runtime.block_on(async {
                let first = tokio::spawn(async { COUNT.set(1) });
                let second = tokio::spawn(async { COUNT.get() });
                (first.await.is_ok(), second.await.is_ok())
            })
        });
        assert!(
            panicked.message.contains(&format!("the hook `{hook}` of `inherit_contexts` was replaced")),
            "{panicked:?}"
        );
        // Nothing of the tasks is left on this thread.
        assert!(!COUNT.is_set());
    }
}

#[test]
fn a_hook_that_panics_leaves_no_context_on_the_thread_and_the_hooks_as_they_were() {
    let panics = |_: &tokio::runtime::TaskMeta<'_>| panic!("the hook's");
    let inheritances = [
        Inheritance::new().on_before_task_poll(panics),
        Inheritance::new().on_after_task_poll(panics),
        Inheritance::new().on_task_terminate(panics),
    ];
    for inheritance in inheritances {
        let runtime = single_threaded(inheritance);
        let work = async { tokio::spawn(async { REQUEST_ID.get() }).await.map_err(drop) };
        let _ = support::caught(|| runtime.block_on(work.in_context(request(7))));
        assert!(!REQUEST_ID.is_set(), "a task's context is left on the thread");
        drop(runtime);
        assert!(!REQUEST_ID.is_set(), "a task's context is left on the thread");
        // What comes to the thread next finds the hooks in order.
        let next = single_threaded(Inheritance::new());
        let work = async { tokio::spawn(async { REQUEST_ID.get() }).await.unwrap() };
        assert_eq!(next.block_on(work.in_context(request(8))), 8);
        assert_eq!(next.block_on(async { tokio::spawn(async { REQUEST_ID.get() }).await.unwrap() }), 0);
    }
}
