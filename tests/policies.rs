//! What goes along with work that is started: all but what must stay behind, everything, or nothing.

mod support;

use std::sync::mpsc::channel;

use contextvars::rayon::prelude::*;
use contextvars::{
    Context, ContextExt, SharedContext, context_var, copy_context, inherit_context, rayon, thread, tokio, with_context,
};
use support::{Census, Citizen};
use tokio::sync::oneshot;

#[context_var(default = 0)]
static REQUEST: u32;

#[context_var(default = 0, inherit = false)]
static TRANSACTION: u32;

#[context_var]
static OWNED: Citizen;

/// What the code at hand sees of the two variables.
fn seen() -> (u32, u32) {
    (REQUEST.get(), TRANSACTION.get())
}

/// Runs `f` where both are set.
fn in_a_transaction<R>(f: impl FnOnce() -> R) -> R {
    Context::new().with(&REQUEST, 7).with(&TRANSACTION, 8).run(f)
}

/// What each kind of child sees that is started in the current context.
async fn seen_by_children() -> Vec<(&'static str, (u32, u32))> {
    let (sender, receiver) = channel();
    rayon::spawn(move || sender.send(seen()).expect("the test listens"));
    vec![
        ("inherit_context", inherit_context().run(seen)),
        ("a task", tokio::spawn(async { seen() }).await.expect("it does not panic")),
        ("the blocking pool", tokio::task::spawn_blocking(seen).await.expect("it does not panic")),
        ("a thread", thread::spawn(seen).join().expect("it does not panic")),
        ("a scoped thread", thread::scope(|s| s.spawn(seen).join().expect("it does not panic"))),
        ("a job", receiver.recv().expect("it is told")),
        ("a join", rayon::join(seen, || ()).0),
        ("a parallel iterator", [()].par_iter().inherit_context().map(|()| seen()).reduce_with(|a, _| a).unwrap()),
    ]
}

#[tokio::test]
async fn every_child_gets_all_but_what_must_stay_behind() {
    let children = async {
        REQUEST.set(7);
        TRANSACTION.set(8);
        seen_by_children().await
    };
    for (child, seen) in children.in_context(Context::new()).await {
        assert_eq!(seen, (7, 0), "{child}");
    }
}

#[test]
fn whoever_asks_for_a_copy_gets_everything() {
    in_a_transaction(|| {
        let copy = copy_context();
        assert_eq!(copy.clone().run(seen), (7, 8));
        assert_eq!(copy.clone().wrap(seen)(), (7, 8));
        assert_eq!(SharedContext::from(copy.clone()).run(seen).expect("it is free"), (7, 8));
        assert_eq!(pollster::block_on(async { seen() }.in_current_context()), (7, 8));
        assert_eq!(pollster::block_on(async { seen() }.in_context(copy.clone())), (7, 8));
        assert_eq!(with_context!(REQUEST = 9, { seen() }), (9, 8));
        // Also across a thread, for once on purpose.
        assert_eq!(std::thread::spawn(copy.wrap(seen)).join().expect("it does not panic"), (7, 8));
    });
}

#[test]
fn a_value_that_must_stay_behind_is_back_when_the_child_is_done() {
    in_a_transaction(|| {
        inherit_context().run(|| {
            TRANSACTION.set(9);
            assert_eq!(inherit_context().run(seen), (7, 0));
        });
        assert_eq!(seen(), (7, 8));
    });
}

#[tokio::test]
async fn what_is_started_in_an_empty_context_is_detached_whatever_it_is() {
    let children = async {
        REQUEST.set(7);
        TRANSACTION.set(8);
        seen_by_children().in_context(Context::new()).await
    };
    for (child, seen) in children.in_context(Context::new()).await {
        assert_eq!(seen, (0, 0), "{child}");
    }
}

#[tokio::test]
async fn detached_work_has_a_context_to_set_variables_in() {
    let work = async {
        REQUEST.set(1);
        tokio::task::yield_now().await;
        REQUEST.get()
    };
    // By tokio itself: without a context of its own the task could not set anything.
    let task = ::tokio::spawn(work.in_context(Context::new()));
    assert_eq!(task.await.expect("it does not panic"), 1);
    let set = [()].par_iter().with_context(Context::new()).map(|()| REQUEST.set(2).old_value().copied());
    assert_eq!(set.collect::<Vec<_>>(), [None]);
    assert_eq!(seen(), (0, 0));
}

/// How many values of the request are alive while work that it started goes on.
async fn kept_alive_by(start: impl FnOnce(oneshot::Receiver<()>) -> tokio::task::JoinHandle<()>) -> usize {
    let census = Census::new();
    let (done, until_done) = oneshot::channel();
    let task = with_context!(OWNED = census.citizen(), { start(until_done) });
    let alive = census.alive();
    done.send(()).expect("the work goes on");
    task.await.expect("it does not panic");
    assert_eq!(census.alive(), 0);
    alive
}

#[tokio::test]
async fn what_is_spawned_in_an_empty_context_keeps_no_value_of_the_request_alive() {
    let wait = |until_done: oneshot::Receiver<()>| async move { until_done.await.expect("the test says so") };
    assert_eq!(kept_alive_by(|done| Context::new().run(|| tokio::spawn(wait(done)))).await, 0);
    assert_eq!(kept_alive_by(|done| ::tokio::spawn(wait(done).in_context(Context::new()))).await, 0);
    assert_eq!(kept_alive_by(|done| tokio::spawn(wait(done))).await, 1);
    // The task sees nothing; what was inherited for it is there all the same.
    assert_eq!(kept_alive_by(|done| tokio::spawn(wait(done).in_context(Context::new()))).await, 1);
}
