//! `use contextvars::tokio;`: ordinary tokio code whose tasks inherit the context of whoever spawned them.

use std::cell::Cell;
use std::future;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use crate::support::{Census, Citizen, on_a_thread, panic_of};
use contextvars::{Context, ContextExt, context_var, copy_context, tokio, with_context};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinSet, LocalSet, yield_now};

#[context_var(default = 0)]
static NUMBER: u32;

#[context_var(inherit = false)]
static TRANSACTION: u32;

#[context_var]
static COUNTED: Citizen;

tokio::task_local! {
    static OF_TOKIO: u32;
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("a runtime")
}

/// The number, after a moment in which other tasks may run.
async fn number() -> u32 {
    yield_now().await;
    NUMBER.get()
}

#[tokio::main(flavor = "current_thread")]
async fn main_of_tokio() -> u32 {
    NUMBER.set(3);
    tokio::spawn(number()).await.unwrap()
}

#[test]
fn tokio_main_works_and_its_tasks_inherit() {
    assert_eq!(on_a_thread(main_of_tokio), 3);
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
            (both, tried, selected)
        })
    });
    let (both, tried, selected) = task.await.unwrap();
    assert!(both == (1, 2) || both == (2, 2), "{both:?}");
    assert_eq!((tried, selected), (Err(()), 2));
}

#[tokio::test]
async fn task_local_works_beside_context_variables() {
    let seen = OF_TOKIO.scope(5, with_context!(NUMBER = 6, async { (OF_TOKIO.get(), number().await) })).await;
    assert_eq!(seen, (5, 6));
}

#[tokio::test]
async fn a_task_inherits_the_context_of_the_moment_it_is_spawned() {
    let task = with_context!(NUMBER = 1, {
        let task = tokio::spawn(number());
        NUMBER.set(2);
        task
    });
    assert_eq!(task.await.unwrap(), 1);
}

#[tokio::test]
async fn what_a_task_sets_is_its_own() {
    with_context!(NUMBER = 1, async {
        let task = tokio::spawn(async {
            NUMBER.set(2);
            let grandchild = tokio::spawn(number()).await.unwrap();
            (grandchild, number().await)
        });
        assert_eq!((task.await.unwrap(), number().await), ((2, 2), 1));
    })
    .await;
}

#[tokio::test]
async fn what_must_stay_behind_is_not_inherited_by_any_spawn() {
    with_context!(NUMBER = 1, TRANSACTION = 9, async {
        let sees = || (NUMBER.get(), TRANSACTION.is_set());
        let local = LocalSet::new();
        let mut set = JoinSet::new();
        set.spawn(async move { sees() });
        set.spawn_blocking(sees);
        set.spawn_local_on(async move { sees() }, &local);
        let in_local = local.run_until(async move { tokio::task::spawn_local(async move { sees() }).await.unwrap() });
        assert_eq!(in_local.await, (1, false));
        local.await;
        assert_eq!(set.join_all().await, [(1, false); 3]);
        assert_eq!(tokio::spawn(async move { sees() }).await.unwrap(), (1, false));
        assert_eq!(tokio::task::spawn(async move { sees() }).await.unwrap(), (1, false));
        assert_eq!(tokio::task::spawn_blocking(sees).await.unwrap(), (1, false));
        assert_eq!(sees(), (1, true));
    })
    .await;
}

#[tokio::test]
async fn blocking_work_inherits_and_keeps_its_changes_to_itself() {
    with_context!(NUMBER = 1, async {
        let change = || NUMBER.set(NUMBER.get() + 1).old_value().copied().zip(Some(NUMBER.get()));
        for _ in 0..10 {
            assert_eq!(tokio::task::spawn_blocking(change).await.unwrap(), Some((1, 2)));
        }
        assert_eq!(number().await, 1);
    })
    .await;
}

#[test]
fn a_join_set_inherits_with_every_method_that_spawns() {
    let elsewhere = runtime();
    let handle = elsewhere.handle().clone();
    let here = Builder::new_current_thread().enable_all().build().unwrap();
    let local = LocalSet::new();
    let mut set = JoinSet::default();
    let collected = with_context!(NUMBER = 7, {
        set.spawn_on(number(), &handle);
        set.spawn_blocking_on(|| NUMBER.get(), &handle);
        set.spawn_local_on(number(), &local);
        let _here = here.enter();
        set.spawn(number());
        set.spawn_blocking(|| NUMBER.get());
        (0..3).map(|n| async move { n + number().await }).collect::<JoinSet<u32>>()
    });
    local.block_on(&here, async {
        with_context!(NUMBER = 7, { set.spawn_local(number()) });
        assert_eq!(set.len(), 6);
        let mut seen = Vec::new();
        while let Some(result) = set.join_next().await {
            seen.push(result.unwrap());
        }
        assert_eq!(seen, [7; 6]);
        assert!(set.is_empty());
        let mut collected = collected.join_all().await;
        collected.sort_unstable();
        assert_eq!(collected, [7, 8, 9]);
    });
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

#[test]
fn spawns_outside_of_a_runtime_panic_at_the_caller() {
    let (outside, line) = (panic_of(|| tokio::spawn(async {})), line!());
    assert_eq!((outside.file.as_str(), outside.line), (file!(), line));
    let (blocking, line) = (panic_of(|| tokio::task::spawn_blocking(|| ())), line!());
    assert_eq!((blocking.file.as_str(), blocking.line), (file!(), line));
    let (local, line) = (panic_of(|| tokio::task::spawn_local(async {})), line!());
    assert_eq!((local.file.as_str(), local.line), (file!(), line));
    let mut set = JoinSet::new();
    let (in_set, line) = (panic_of(|| set.spawn(async {})), line!());
    assert_eq!((in_set.file.as_str(), in_set.line), (file!(), line));
    let (in_set, line) = (panic_of(|| set.spawn_blocking(|| ())), line!());
    assert_eq!((in_set.file.as_str(), in_set.line), (file!(), line));
    let (in_set, line) = (panic_of(|| set.spawn_local(async {})), line!());
    assert_eq!((in_set.file.as_str(), in_set.line), (file!(), line));
}

#[test]
fn thousands_of_tasks_on_many_threads_never_see_each_other_s_value() {
    async fn checks(own: u32) {
        assert_eq!(NUMBER.get(), own);
        for step in 0..5 {
            NUMBER.set(own + step);
            yield_now().await;
            assert_eq!(NUMBER.get(), own + step);
            let child = tokio::spawn(async move {
                let inherited = NUMBER.get();
                NUMBER.set(0);
                yield_now().await;
                inherited
            });
            assert_eq!(child.await.unwrap(), own + step);
        }
        if own % 160 == 0 {
            assert_eq!(tokio::task::spawn_blocking(|| NUMBER.get()).await.unwrap(), own + 4);
        }
        assert_eq!(NUMBER.get(), own + 4);
    }
    runtime().block_on(async {
        let tasks: JoinSet<()> = (0..4000)
            .map(|n| n * 16)
            .map(|own| with_context!(NUMBER = own, async move { checks(own).await }))
            .collect();
        assert_eq!(tasks.join_all().await.len(), 4000);
    });
}

/// Tells in which context it is dropped.
struct SeesDrop(mpsc::Sender<(u32, usize)>);

impl Drop for SeesDrop {
    fn drop(&mut self) {
        let _ = self.0.send((NUMBER.get(), copy_context().len()));
    }
}

#[test]
fn an_aborted_task_is_dropped_in_its_context() {
    let census = Census::new();
    let (sender, dropped) = mpsc::channel();
    let runtime = runtime();
    runtime.block_on(async {
        let sees = SeesDrop(sender);
        let (ready, is_ready) = oneshot::channel();
        let task = with_context!(NUMBER = 8, COUNTED = census.citizen(), {
            tokio::spawn(async move {
                let _sees = sees;
                ready.send(()).expect("the test waits");
                future::pending::<()>().await;
            })
        });
        is_ready.await.unwrap();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    });
    assert_eq!(dropped.recv(), Ok((8, 2)));
    drop(runtime);
    assert_eq!(census.alive(), 0);
}

#[test]
fn tasks_alive_at_shutdown_are_dropped_in_their_contexts() {
    let census = Census::new();
    let (sender, dropped) = mpsc::channel();
    let runtime = runtime();
    let started = Arc::new(AtomicUsize::new(0));
    let all_started = Arc::new(Notify::new());
    runtime.block_on(async {
        for n in 0..100 {
            let (sees, started, all) = (SeesDrop(sender.clone()), Arc::clone(&started), Arc::clone(&all_started));
            let task = async move {
                let _sees = sees;
                if started.fetch_add(1, Ordering::SeqCst) == 99 {
                    all.notify_one();
                }
                future::pending::<()>().await;
            };
            drop(with_context!(NUMBER = n, COUNTED = census.citizen(), { tokio::spawn(task) }));
        }
        all_started.notified().await;
    });
    drop(sender);
    assert_eq!(census.alive(), 100);
    drop(runtime);
    let mut seen: Vec<_> = dropped.iter().collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..100).map(|n| (n, 2)).collect::<Vec<_>>());
    assert_eq!(census.alive(), 0);
}

#[test]
fn tasks_never_polled_are_dropped_in_their_contexts_at_shutdown() {
    let census = Census::new();
    let (sender, dropped) = mpsc::channel();
    // Nobody ever runs it.
    let runtime = Builder::new_current_thread().build().unwrap();
    {
        let _here = runtime.enter();
        for n in 0..100 {
            let sees = SeesDrop(sender.clone());
            let task = async move {
                let _sees = sees;
                future::pending::<()>().await;
            };
            drop(with_context!(NUMBER = n, COUNTED = census.citizen(), { tokio::spawn(task) }));
        }
    }
    drop(sender);
    assert_eq!(census.alive(), 100);
    with_context!(NUMBER = 1_000, { drop(runtime) });
    let mut seen: Vec<_> = dropped.iter().map(|(number, _)| number).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..100).collect::<Vec<_>>());
    assert_eq!(census.alive(), 0);
}

#[test]
fn blocking_work_that_never_ran_is_dropped_in_its_context() {
    let (sender, dropped) = mpsc::channel();
    let runtime = Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    let (release, released) = mpsc::channel::<()>();
    let _here = runtime.enter();
    let (started, has_started) = mpsc::channel();
    tokio::task::spawn_blocking(move || {
        started.send(()).expect("the test waits");
        released.recv()
    });
    has_started.recv().unwrap();
    let sees = SeesDrop(sender);
    let queued = with_context!(NUMBER = 8, { tokio::task::spawn_blocking(move || drop(sees)) });
    queued.abort();
    drop(release);
    assert!(runtime.block_on(queued).is_err());
    assert_eq!(dropped.recv(), Ok((8, 1)));
}

#[tokio::test]
async fn a_panic_in_a_task_is_its_own() {
    let (panics, goes_on) = with_context!(NUMBER = 1, {
        let panics = tokio::spawn(async { panic!("number {}", NUMBER.set(2).var().get()) });
        (panics, tokio::spawn(number()))
    });
    let panicked = panics.await.unwrap_err().into_panic();
    assert_eq!(panicked.downcast_ref::<String>().map(String::as_str), Some("number 2"));
    assert_eq!(goes_on.await.unwrap(), 1);
    assert!(copy_context().is_empty());
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
