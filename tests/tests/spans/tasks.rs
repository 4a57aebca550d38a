//! Tasks of tokio are in the span of their spawner.

use std::future::pending;

use contextvars::{Context, ContextExt, inherit_context, tokio, tokio_util, with_context};
use tracing::Instrument;

use super::{NUMBER, Witness, fresh, here, here_quick, is_closed, set_up, span};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_and_blocking_functions_are_in_the_span_of_their_spawner() {
    set_up();
    let a = fresh();
    let work = async {
        let task = tokio::spawn(async {
            let first = here();
            tokio::task::yield_now().await;
            (first, here())
        });
        let mut set = tokio::task::JoinSet::new();
        set.spawn(async { here() });
        set.spawn_blocking(here);
        let blocking = tokio::task::spawn_blocking(here).await.unwrap();
        let there_and_back = tokio::task::run_blocking(here).await;
        let plain = ::tokio::spawn(async { here() }).await.unwrap();
        (task.await.unwrap(), set.join_all().await, blocking, there_and_back, plain)
    };
    let seen = work.instrument(span(a)).await;
    assert_eq!(seen, ((vec![a], vec![a]), vec![vec![a], vec![a]], vec![a], vec![a], vec![]));
    assert_eq!(here(), [0; 0]);
    assert!(is_closed(a));
}

#[tokio::test]
async fn a_span_of_the_childs_own_is_on_top() {
    set_up();
    let (a, b) = (fresh(), fresh());
    let work = async { tokio::spawn(async { here() }.instrument(span(b))).await.unwrap() };
    assert_eq!(work.instrument(span(a)).await, [b, a]);
}

#[test]
fn a_task_that_block_on_polls_beneath_its_own_span_and_another_is_in_its_own() {
    set_up();
    let (a, b) = (fresh(), fresh());
    let runtime = ::tokio::runtime::Builder::new_current_thread().build().unwrap();
    let seen = span(a).in_scope(|| {
        let _in = runtime.enter();
        let task = tokio::spawn(async {
            let first = here();
            tokio::task::yield_now().await;
            (first, here())
        });
        span(b).in_scope(|| runtime.block_on(async { (here(), task.await.unwrap(), here()) }))
    });
    assert_eq!(seen, (vec![b, a], (vec![a], vec![a]), vec![b, a]));
    assert!(is_closed(a) && is_closed(b));
}

#[tokio::test]
async fn a_task_that_was_given_a_context_is_in_the_span_where_it_was_spawned() {
    set_up();
    let a = fresh();
    let (scoped, copied, given) = span(a).in_scope(|| {
        let scoped = tokio::spawn(with_context!(NUMBER = 7, async { (here(), NUMBER.get()) }));
        let copied = tokio::spawn(async { here() }.in_current_context());
        let given = tokio::spawn(async { here() }.in_context(Context::new()));
        (scoped, copied, given)
    });
    assert_eq!(scoped.await.unwrap(), (vec![a], 7));
    assert_eq!(copied.await.unwrap(), [a]);
    assert_eq!(given.await.unwrap(), [a]);
    assert!(is_closed(a));
}

#[tokio::test]
async fn a_task_of_a_local_pool_is_in_the_span_where_it_was_spawned() {
    set_up();
    let a = fresh();
    let pool = tokio_util::task::LocalPoolHandle::new(1);
    let (plain, scoped) = span(a).in_scope(|| {
        let plain = pool.spawn_pinned(|| async { here() });
        let scoped = pool.spawn_pinned(|| with_context!(NUMBER = 1, async { here() }));
        (plain, scoped)
    });
    assert_eq!((plain.await.unwrap(), scoped.await.unwrap()), (vec![a], vec![a]));
}

#[tokio::test]
async fn a_span_closes_with_the_last_that_carries_it() {
    set_up();
    let (a, b) = (fresh(), fresh());
    let (end, ended) = ::tokio::sync::oneshot::channel::<()>();
    let root = span(a);
    let task = root.in_scope(|| tokio::spawn(async move { ended.await.unwrap_err() }));
    drop(root);
    step_others().await;
    assert!(!is_closed(a), "the task carries it");
    drop(end);
    task.await.unwrap();
    assert!(is_closed(a));

    let (end, ended) = ::tokio::sync::oneshot::channel::<()>();
    let root = span(b);
    let task = root.in_scope(|| tokio::spawn_detached(async move { (ended.await.unwrap_err(), here()) }));
    drop(root);
    assert!(is_closed(b), "a detached task does not");
    drop(end);
    assert_eq!(task.await.unwrap().1, [0; 0]);
}

async fn step_others() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_aborted_or_dropped_is_dropped_in_its_span() {
    set_up();
    let (a, b) = (fresh(), fresh());
    let (witness, seen) = Witness::new();
    let task = span(a).in_scope(|| {
        tokio::spawn(async move {
            let _witness = witness;
            pending::<()>().await;
        })
    });
    step_others().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(seen.recv().unwrap(), [a]);
    assert!(is_closed(a));

    let (witness, seen) = Witness::new();
    let future = span(b).in_scope(|| async move { drop(witness) }.in_context(inherit_context()));
    drop(future);
    assert_eq!(seen.recv().unwrap(), [b]);
    assert!(is_closed(b));
}

#[test]
fn a_task_that_block_on_polls_beneath_a_span_is_in_its_own() {
    set_up();
    let (a, b) = (fresh(), fresh());
    let runtime = ::tokio::runtime::Builder::new_current_thread().build().unwrap();
    let task = span(a).in_scope(|| {
        let _in = runtime.enter();
        tokio::spawn(async {
            tokio::task::yield_now().await;
            here()
        })
    });
    let seen = span(b).in_scope(|| runtime.block_on(async { (here(), task.await.unwrap(), here()) }));
    assert_eq!(seen, (vec![b], vec![a], vec![b]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_tasks_at_once_are_each_in_their_own_span() {
    set_up();
    let mut set = ::tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let number = fresh();
        let work = async move {
            for _ in 0..5 {
                tokio::task::yield_now().await;
                assert_eq!(here_quick(), Some(number));
                let inner = fresh();
                let work = async move {
                    tokio::task::yield_now().await;
                    assert_eq!(here_quick(), Some(inner));
                    tokio::spawn(async { here_quick() }).await.unwrap()
                };
                assert_eq!(tokio::spawn(work.instrument(span(inner))).await.unwrap(), Some(inner));
                assert_eq!(tokio::task::spawn_blocking(here_quick).await.unwrap(), Some(number));
            }
            number
        };
        let task = span(number).in_scope(|| tokio::spawn(work));
        set.spawn(task);
    }
    let mut numbers = Vec::new();
    while let Some(done) = set.join_next().await {
        numbers.push(done.unwrap().unwrap());
    }
    assert_eq!(numbers.len(), 1000);
    assert!(numbers.iter().all(|number| is_closed(*number)));
}
