//! Contexts travel into everything that tokio spawns, through the facade `contextvars::tokio`.

use std::sync::mpsc;

use crate::support;
use crate::support::{Census, Citizen, OnDrop};
use contextvars::tokio::runtime::{Builder, Handle, LocalRuntime, Runtime};
use contextvars::tokio::task::{JoinSet, LocalSet};
use contextvars::tokio::{self, SpawnInheriting, SpawnLocalInheriting};
use contextvars::tokio_util::sync::CancellationToken;
use contextvars::{Context, ContextExt, context_var, copy_context, with_context};
use tokio::sync::{Barrier, oneshot};

#[context_var(default = 0)]
static REQUEST_ID: u64;

#[context_var]
static USER: String;

#[context_var(inherit = false)]
static TRANSACTION: u64;

#[context_var]
static CITIZEN: Citizen;

/// Three variables set, one of which is not to be inherited.
fn request(id: u64) -> Context {
    Context::new().with(&REQUEST_ID, id).with(&USER, format!("user {id}")).with(&TRANSACTION, id)
}

type Seen = (u64, Option<String>, Option<u64>);

fn seen() -> Seen {
    (REQUEST_ID.get(), USER.try_get().ok(), TRANSACTION.try_get().ok())
}

/// What is seen now and after being polled again; in between it changes what it has.
async fn seen_over_time() -> (Seen, Seen) {
    let first = seen();
    let token = REQUEST_ID.set(1000);
    tokio::task::yield_now().await;
    REQUEST_ID.reset(token).unwrap();
    tokio::task::yield_now().await;
    (first, seen())
}

/// What a child of request 7 sees, at all times.
fn inherited() -> Seen {
    (7, Some("user 7".to_owned()), None)
}

fn inherited_over_time() -> (Seen, Seen) {
    (inherited(), inherited())
}

/// Whether the spawner's context is as `request(7)` made it.
fn is_untouched() -> bool {
    copy_context() == request(7)
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Runs a future as request 7.
async fn as_request_7<F: Future>(future: F) -> F::Output {
    let check = async move {
        let output = future.await;
        assert!(is_untouched());
        output
    };
    check.in_context(request(7)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn spawn_inherits() {
    as_request_7(async {
        assert_eq!(tokio::spawn(seen_over_time()).await.unwrap(), inherited_over_time());
        assert_eq!(tokio::task::spawn(seen_over_time()).await.unwrap(), inherited_over_time());
    })
    .await;
}

#[tokio::test]
async fn spawn_blocking_inherits() {
    as_request_7(async {
        assert_eq!(tokio::task::spawn_blocking(seen).await.unwrap(), inherited());
        tokio::task::spawn_blocking(|| REQUEST_ID.set(8)).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn block_in_place_stays_in_the_context() {
    tokio::spawn(as_request_7(async {
        let before = seen();
        assert_eq!(tokio::task::block_in_place(seen), before);
    }))
    .await
    .unwrap();
}

#[tokio::test]
async fn spawn_local_inherits() {
    as_request_7(async {
        let local = LocalSet::new();
        let task = local.run_until(async { tokio::task::spawn_local(seen_over_time()).await }).await;
        assert_eq!(task.unwrap(), inherited_over_time());
    })
    .await;
}

#[tokio::test]
async fn a_local_set_inherits_from_whoever_spawns_and_not_from_whoever_polls() {
    let local = LocalSet::new();
    let task = request(7).run(|| local.spawn_local(seen_over_time()));
    request(8).run(|| USER.set("polls".to_owned()));
    local.in_context(request(8)).await;
    assert_eq!(task.await.unwrap(), inherited_over_time());
}

#[tokio::test]
async fn a_join_set_inherits_in_each_of_its_spawns() {
    as_request_7(async {
        let mut set = JoinSet::new();
        let local = LocalSet::new();
        set.spawn(seen_over_time());
        set.spawn_on(seen_over_time(), &Handle::current());
        set.spawn_local_on(seen_over_time(), &local);
        set.spawn_blocking(|| (seen(), seen()));
        set.spawn_blocking_on(|| (seen(), seen()), &Handle::current());
        set.extend([seen_over_time(), seen_over_time()]);
        local
            .run_until(async {
                set.spawn_local(seen_over_time());
                let mut finished = 0;
                while let Some(task) = set.join_next().await {
                    assert_eq!(task.unwrap(), inherited_over_time());
                    finished += 1;
                }
                assert_eq!(finished, 8);
            })
            .await;
        let collected: JoinSet<_> = [seen_over_time(), seen_over_time()].into_iter().collect();
        assert_eq!(collected.join_all().await, [inherited_over_time(), inherited_over_time()]);
    })
    .await;
}

#[test]
fn runtimes_and_handles_spawn_what_inherits() {
    let runtime = runtime();
    let handle = runtime.handle().clone();
    request(7).run(|| {
        let tasks = [runtime.spawn_inheriting(seen_over_time()), handle.spawn_inheriting(seen_over_time())];
        let functions = [runtime.spawn_blocking_inheriting(seen), handle.spawn_blocking_inheriting(seen)];
        runtime.block_on(async {
            for task in tasks {
                assert_eq!(task.await.unwrap(), inherited_over_time());
            }
            for function in functions {
                assert_eq!(function.await.unwrap(), inherited());
            }
        });
        assert!(is_untouched());
    });
}

#[test]
fn a_local_runtime_spawns_what_inherits() {
    let runtime = LocalRuntime::new().unwrap();
    request(7).run(|| {
        let local = runtime.spawn_local_inheriting(seen_over_time());
        let task = runtime.spawn_inheriting(seen_over_time());
        let function = runtime.spawn_blocking_inheriting(seen);
        runtime.block_on(async {
            assert_eq!(local.await.unwrap(), inherited_over_time());
            assert_eq!(task.await.unwrap(), inherited_over_time());
            assert_eq!(function.await.unwrap(), inherited());
        });
        assert!(is_untouched());
    });
}

#[test]
fn block_on_stays_in_the_context() {
    request(7).run(|| {
        let before = seen();
        let runtime = runtime();
        assert_eq!(runtime.block_on(async { seen() }), before);
        assert_eq!(runtime.handle().block_on(async { seen() }), before);
        assert_eq!(LocalSet::new().block_on(&runtime, async { seen() }), before);
        assert_eq!(LocalRuntime::new().unwrap().block_on(async { seen() }), before);
    });
}

#[tokio::test]
async fn what_polls_in_place_stays_in_the_context() {
    as_request_7(async {
        let before = seen();
        assert_eq!(LocalSet::new().run_until(async { seen() }).await, before);
        assert_eq!(tokio::task::unconstrained(async { seen() }).await, before);
        assert_eq!(tokio::time::timeout(std::time::Duration::MAX, async { seen() }).await.unwrap(), before);
        let token = CancellationToken::new();
        assert_eq!(token.run_until_cancelled(async { seen() }).await.unwrap(), before);
    })
    .await;
}

#[tokio::test]
async fn grandchildren_inherit_from_children() {
    let grandchild = with_context!(REQUEST_ID = 1, {
        tokio::spawn(async {
            REQUEST_ID.set(REQUEST_ID.get() + 1);
            tokio::spawn(async {
                REQUEST_ID.set(REQUEST_ID.get() + 1);
                tokio::task::spawn_blocking(|| REQUEST_ID.get()).await.unwrap()
            })
            .await
            .unwrap()
        })
    });
    assert_eq!(grandchild.await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn detached_work_starts_empty() {
    as_request_7(async {
        let task = async { copy_context().is_empty() };
        assert!(tokio::spawn(task.in_context(Context::new())).await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tasks_in_step_never_see_each_others_values() {
    const TASKS: u64 = 200;
    let in_step = std::sync::Arc::new(Barrier::new(usize::try_from(TASKS).unwrap()));
    let mut tasks = JoinSet::new();
    for id in 0..TASKS {
        let in_step = in_step.clone();
        let task = async move {
            for _ in 0..10 {
                in_step.wait().await;
                assert_eq!(REQUEST_ID.get(), id);
                assert_eq!(tokio::spawn(async { REQUEST_ID.get() }).await.unwrap(), id);
            }
        };
        with_context!(REQUEST_ID = id, { tasks.spawn(task) });
    }
    tasks.join_all().await;
}

#[tokio::test]
async fn an_aborted_task_is_dropped_in_its_context() {
    struct NotesRequest(mpsc::Sender<u64>);
    impl Drop for NotesRequest {
        fn drop(&mut self) {
            self.0.send(REQUEST_ID.get()).unwrap();
        }
    }
    let (send, receive) = mpsc::channel();
    let notes = NotesRequest(send);
    let (started, wait) = oneshot::channel();
    let task = with_context!(REQUEST_ID = 7, {
        tokio::spawn(async move {
            let _notes = notes;
            started.send(()).unwrap();
            std::future::pending::<()>().await;
        })
    });
    wait.await.unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(receive.recv(), Ok(7));
}

#[tokio::test]
async fn a_task_frees_its_copy_when_it_ends() {
    let census = Census::new();
    let tasks = with_context!(CITIZEN = census.citizen(), {
        [tokio::spawn(async { CITIZEN.is_set() }), tokio::task::spawn_blocking(|| CITIZEN.is_set())]
    });
    for task in tasks {
        assert!(task.await.unwrap());
    }
    assert_eq!(census.alive(), 0);
}

#[test]
fn what_a_runtime_or_a_handle_has_spawned_is_dropped_in_its_context_at_shutdown() {
    let (sender, receiver) = mpsc::channel();
    let runtime = Builder::new_current_thread().build().unwrap();
    let tell = || {
        let sender = sender.clone();
        OnDrop(move || sender.send(seen()).unwrap())
    };
    request(7).run(|| {
        for witness in [tell(), tell()] {
            let pending = async move {
                let _witness = witness;
                std::future::pending::<()>().await;
            };
            drop(runtime.handle().spawn_inheriting(pending));
        }
        let never_polled = tell();
        drop(runtime.spawn_inheriting(async move { drop(never_polled) }));
    });
    drop(runtime);
    drop(sender);
    assert_eq!(receiver.iter().collect::<Vec<_>>(), vec![inherited(); 3]);
    assert!(copy_context().is_empty());
}

#[test]
fn outside_of_a_runtime_the_panic_names_the_caller() {
    let message = "there is no reactor running, must be called from the context of a Tokio 1.x runtime";
    let panics = [
        support::panic_of(|| tokio::spawn(async {})),
        support::panic_of(|| tokio::task::spawn_blocking(|| ())),
        support::panic_of(|| JoinSet::new().spawn(async {})),
        support::panic_of(|| drop(tokio::task::run_blocking(|| ()))),
    ];
    for panicked in panics {
        assert_eq!((panicked.message.as_str(), panicked.file.as_str()), (message, file!()));
    }
    let panicked = support::panic_of(|| tokio::task::spawn_local(async {}));
    assert_eq!(panicked.file, file!());
    assert!(panicked.message.contains("`spawn_local` called from outside of a `task::LocalSet`"), "{panicked:?}");
}

// What the facade leaves as it is.

tokio::task_local! {
    static TASK_LOCAL: u64;
}

#[tokio::test(flavor = "current_thread")]
async fn the_macros_of_tokio_work_through_the_facade() {
    let (left, right) = tokio::join!(async { 1 }, async { 2 });
    assert_eq!(left + right, 3);
    assert_eq!(tokio::try_join!(async { Ok::<_, ()>(1) }, async { Ok(2) }), Ok((1, 2)));
    let first = tokio::select! {
        biased;
        one = async { 1 } => one,
        () = std::future::pending() => 2,
    };
    assert_eq!(first, 1);
    TASK_LOCAL.scope(5, async { assert_eq!(TASK_LOCAL.get(), 5) }).await;
    tokio::pin! {
        let pinned = async { 4 };
    }
    assert_eq!(pinned.await, 4);
    tokio::time::timeout(std::time::Duration::MAX, async {}).await.unwrap();
}

#[tokio::main(flavor = "current_thread")]
async fn started_by_main() -> u64 {
    tokio::spawn(async { REQUEST_ID.get() }).await.unwrap()
}

#[test]
fn a_main_of_tokio_works_through_the_facade() {
    assert_eq!(with_context!(REQUEST_ID = 7, { started_by_main() }), 7);
}
