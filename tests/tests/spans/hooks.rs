//! Spans, carried by task hooks: a task of a plain `tokio::spawn` is in the span in which it was spawned.

#![cfg(tokio_unstable)]

use contextvars::tokio::{InheritContexts, Inheritance};
use tokio::runtime::Builder;
use tracing::{Span, info_span};

use super::{NUMBER, set_up};

fn name() -> Option<&'static str> {
    Span::current().metadata().map(tracing::Metadata::name)
}

#[test]
fn plain_tasks_are_in_the_span_of_their_spawner() {
    set_up();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().inherit_contexts().build().unwrap();
    let seen = runtime.block_on(async {
        let outer = info_span!("outer");
        let task = outer.in_scope(|| {
            tokio::spawn(async {
                let before = name();
                tokio::task::yield_now().await;
                let inner = info_span!("inner").in_scope(|| tokio::spawn(async { name() }));
                NUMBER.set(1);
                (before, inner.await.unwrap(), name())
            })
        });
        let detached = outer.in_scope(|| contextvars::tokio::spawn_detached(async { name() }));
        (task.await.unwrap(), detached.await.unwrap(), name())
    });
    assert_eq!(seen, ((Some("outer"), Some("inner"), Some("outer")), None, None));
}

#[test]
fn a_thousand_plain_tasks_are_each_in_their_own_span_and_a_panic_leaves_none() {
    set_up();
    let runtime = Builder::new_multi_thread().worker_threads(4).enable_all().inherit_contexts().build().unwrap();
    runtime.block_on(async {
        let mut tasks = Vec::new();
        for _ in 0..1000 {
            let span = info_span!("request");
            let id = span.id();
            let task = span.in_scope(|| {
                tokio::spawn(async move {
                    for _ in 0..5 {
                        assert_eq!(Span::current().id(), id);
                        tokio::task::yield_now().await;
                    }
                })
            });
            tasks.push(task);
        }
        for task in tasks {
            task.await.unwrap();
        }
        let task = info_span!("panics").in_scope(|| tokio::spawn(async { panic!("on purpose") }));
        assert!(task.await.is_err());
        let task = info_span!("aborted").in_scope(|| tokio::spawn(std::future::pending::<()>()));
        tokio::task::yield_now().await;
        task.abort();
        assert!(task.await.is_err());
        assert_eq!(name(), None);
    });
}

#[test]
fn hooks_of_ones_own_are_called_in_the_span_of_the_task() {
    set_up();
    let inheritance = Inheritance::of_all()
        .on_before_task_poll(|_| assert_eq!(name(), Some("outer")))
        .on_after_task_poll(|_| assert_eq!(name(), Some("outer")));
    let runtime = Builder::new_current_thread().enable_all().inherit_contexts_by(inheritance).build().unwrap();
    let seen =
        info_span!("outer").in_scope(|| runtime.block_on(async { tokio::spawn(async { name() }).await.unwrap() }));
    assert_eq!(seen, Some("outer"));
}
