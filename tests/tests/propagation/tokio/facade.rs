//! `use contextvars::tokio;`: tokio's macros, task-locals and sets work as with tokio itself.

use std::cell::Cell;
use std::future;
use std::rc::Rc;
use std::time::Duration;

use contextvars::{Context, ContextExt, context_var, tokio, with_context};
use tokio::runtime::{Builder, Handle};
use tokio::task::{JoinSet, LocalSet, yield_now};

use crate::support::on_a_thread;

#[context_var(default = 0)]
static NUMBER: u32;

tokio::task_local! {
    static OF_TOKIO: u32;
}

/// The number, after a moment in which other tasks may run.
async fn number() -> u32 {
    yield_now().await;
    NUMBER.get()
}

#[tokio::main(flavor = "current_thread")]
async fn main_of_tokio() -> [u32; 2] {
    let before = tokio::spawn(number()).await.unwrap();
    NUMBER.set(3);
    [before, tokio::spawn(number()).await.unwrap()]
}

#[test]
fn tokio_main_works_and_its_tasks_inherit() {
    assert_eq!(on_a_thread(main_of_tokio), [0, 3]);
    assert_eq!(with_context!(NUMBER = 7, { main_of_tokio() }), [7, 3]);
}

#[tokio::test]
async fn tokio_test_works_and_its_tasks_inherit() {
    let task = with_context!(NUMBER = 1, { tokio::spawn(number()) });
    assert_eq!(task.await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn join_and_select_work_in_the_task_s_context() {
    let task = with_context!(NUMBER = 1, {
        tokio::spawn(async {
            let both = tokio::join!(number(), async {
                yield_now().await;
                NUMBER.set(NUMBER.get() + 1);
                number().await
            });
            let tried = tokio::try_join!(async { Ok::<_, ()>(number().await) }, async { Err::<u32, _>(()) });
            let selected = tokio::select! {
                n = number() => n,
                () = future::pending() => unreachable!("it never ends"),
            };
            tokio::pin! {
                let pinned = number();
            }
            let selected_first = tokio::select! {
                biased;
                n = &mut pinned => n,
                () = future::pending() => unreachable!("it never ends"),
            };
            (both, tried, [selected, selected_first])
        })
    });
    let (both, tried, selected) = task.await.unwrap();
    assert!(both == (1, 2) || both == (2, 2), "{both:?}");
    assert_eq!((tried, selected), (Err(()), [2, 2]));
}

#[tokio::test]
async fn task_local_works_beside_context_variables() {
    let seen = OF_TOKIO.scope(5, with_context!(NUMBER = 6, async { (OF_TOKIO.get(), number().await) })).await;
    assert_eq!(seen, (5, 6));
}

#[tokio::test]
async fn a_join_set_is_tokio_s_for_all_else() {
    let mut set: JoinSet<u32> = ::tokio::task::JoinSet::new().into();
    let abort = set.spawn(future::pending());
    abort.abort();
    assert!(set.join_next_with_id().await.unwrap().unwrap_err().is_cancelled());
    assert!(set.try_join_next().is_none() && set.join_next().await.is_none());
    set.spawn(future::pending());
    set.abort_all();
    assert!(set.join_next().await.unwrap().unwrap_err().is_cancelled());
    set.spawn(future::pending());
    set.shutdown().await;
    assert!(set.is_empty());
    set.spawn(async { 1 });
    assert!(format!("{set:?}").contains("JoinSet"));
    let mut plain = set.into_inner();
    assert_eq!(plain.join_next().await.unwrap().unwrap(), 1);
    let mut set = JoinSet::new();
    set.spawn(future::ready(1));
    set.detach_all();
    assert!(set.is_empty());
}

#[tokio::test]
async fn a_set_made_of_tokio_s_own_has_its_tasks() {
    let mut plain = ::tokio::task::JoinSet::new();
    plain.spawn(future::ready(1));
    assert_eq!(JoinSet::from(plain).join_all().await, [1]);

    let (plain, not_send) = (::tokio::task::LocalSet::new(), Rc::new(Cell::new(0)));
    let inner = Rc::clone(&not_send);
    plain.spawn_local(async move { inner.set(1) });
    let mut local = LocalSet::from(plain);
    (&mut *local).await;
    assert_eq!(not_send.get(), 1);
    let inner = Rc::clone(&not_send);
    local.spawn_local(async move { inner.set(2) });
    local.into_inner().await;
    assert_eq!(not_send.get(), 2);
}

#[test]
fn a_local_set_inherits_and_is_tokio_s_for_all_else() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let local: LocalSet = ::tokio::task::LocalSet::new().into();
    let not_send = Rc::new(Cell::new(0));
    let inner = Rc::clone(&not_send);
    let task = with_context!(NUMBER = 4, {
        local.spawn_local(async move {
            inner.set(number().await);
            tokio::task::spawn_local(number()).await.unwrap()
        })
    });
    assert_eq!(local.block_on(&runtime, task).unwrap(), 4);
    assert_eq!(not_send.get(), 4);
    let nested = runtime.block_on(
        local.run_until(async { with_context!(NUMBER = 5, { tokio::task::spawn_local(number()) }).await.unwrap() }),
    );
    assert_eq!(nested, 5);
    assert!(format!("{local:?}").contains("LocalSet"));
    runtime.block_on(local.into_inner());
}

#[tokio::test]
async fn timeouts_and_handles_work_in_the_context() {
    with_context!(NUMBER = 1, async {
        let soon = tokio::time::timeout(Duration::from_secs(60 * 60), number()).await;
        assert_eq!(soon, Ok(1));
        // A method of tokio's own type is out of reach, which is what `in_current_context` is for.
        let handle = Handle::current();
        assert_eq!(handle.spawn(number()).await.unwrap(), 0);
        assert_eq!(handle.spawn(number().in_current_context()).await.unwrap(), 1);
        assert_eq!(tokio::spawn(number().in_context(Context::new())).await.unwrap(), 0);
    })
    .await;
}
