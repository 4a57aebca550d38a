//! Contexts travel into everything that tokio spawns, through the facade `contextvars::tokio`.

use contextvars::tokio::runtime::{Builder, LocalRuntime, Runtime};
use contextvars::tokio::task::{JoinSet, LocalSet, yield_now};
use contextvars::tokio::{self, SpawnInheriting, SpawnLocalInheriting};
use contextvars::tokio_util::sync::CancellationToken;
use contextvars::{Context, ContextExt, context_var, copy_context, with_context};

use crate::support::panic_of;

#[context_var(default = 0)]
static REQUEST_ID: u64;

#[context_var]
static USER: String;

#[context_var(inherit = false)]
static TRANSACTION: u64;

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
    yield_now().await;
    REQUEST_ID.reset(token).unwrap();
    yield_now().await;
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
async fn blocking_work_inherits_and_keeps_its_changes_to_itself() {
    as_request_7(async {
        let sees_and_changes = || {
            let before = seen();
            REQUEST_ID.set(8);
            before
        };
        // One thread after the other, or the same one again.
        for _ in 0..10 {
            assert_eq!(tokio::task::spawn_blocking(sees_and_changes).await.unwrap(), inherited());
        }
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
async fn a_local_set_inherits_from_the_spawner_and_not_from_the_poller() {
    let local = LocalSet::new();
    let task = request(7).run(|| local.spawn_local(seen_over_time()));
    request(8).run(|| USER.set("polls".to_owned()));
    local.in_context(request(8)).await;
    assert_eq!(task.await.unwrap(), inherited_over_time());
}

#[tokio::test]
async fn a_join_set_inherits_in_each_of_its_spawns() {
    as_request_7(async {
        let elsewhere = runtime();
        let mut set = JoinSet::new();
        let local = LocalSet::new();
        set.spawn(seen_over_time());
        set.spawn_on(seen_over_time(), elsewhere.handle());
        set.spawn_local_on(seen_over_time(), &local);
        set.spawn_blocking(|| (seen(), seen()));
        set.spawn_blocking_on(|| (seen(), seen()), elsewhere.handle());
        set.extend([seen_over_time(), seen_over_time()]);
        local
            .run_until(async {
                set.spawn_local(seen_over_time());
                assert_eq!(set.len(), 8);
                while let Some(task) = set.join_next().await {
                    assert_eq!(task.unwrap(), inherited_over_time());
                }
            })
            .await;
        let collected: JoinSet<_> = [seen_over_time(), seen_over_time()].into_iter().collect();
        assert_eq!(collected.join_all().await, [inherited_over_time(), inherited_over_time()]);
        elsewhere.shutdown_background();
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
async fn what_a_task_sets_its_own_children_inherit_and_its_spawner_does_not_see() {
    let spawner = with_context!(REQUEST_ID = 1, async {
        let grandchild = tokio::spawn(async {
            REQUEST_ID.set(REQUEST_ID.get() + 1);
            let grandchild = tokio::spawn(async {
                REQUEST_ID.set(REQUEST_ID.get() + 1);
                tokio::task::spawn_blocking(|| REQUEST_ID.get()).await.unwrap()
            });
            (grandchild.await.unwrap(), REQUEST_ID.get())
        });
        (grandchild.await.unwrap(), REQUEST_ID.get())
    });
    assert_eq!(spawner.await, ((3, 2), 1));
}

#[tokio::test]
async fn a_task_inherits_the_context_of_the_moment_it_is_spawned() {
    let task = with_context!(REQUEST_ID = 1, {
        let task = tokio::spawn(async { REQUEST_ID.get() });
        REQUEST_ID.set(2);
        task
    });
    assert_eq!(task.await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn detached_work_starts_empty() {
    as_request_7(async {
        let task = async { copy_context().is_empty() };
        assert!(tokio::spawn(task.in_context(Context::new())).await.unwrap());
    })
    .await;
}

#[test]
fn outside_of_a_runtime_the_panic_names_the_caller() {
    let no_reactor = "there is no reactor running, must be called from the context of a Tokio 1.x runtime";
    let no_local_set = "`spawn_local` called from outside of a `task::LocalSet`";
    let mut set = JoinSet::new();
    let panics = [
        (panic_of(|| tokio::spawn(async {})), line!(), no_reactor),
        (panic_of(|| tokio::task::spawn_blocking(|| ())), line!(), no_reactor),
        (panic_of(|| drop(tokio::task::run_blocking(|| ()))), line!(), no_reactor),
        (panic_of(|| set.spawn(async {})), line!(), no_reactor),
        (panic_of(|| set.spawn_blocking(|| ())), line!(), no_reactor),
        (panic_of(|| tokio::task::spawn_local(async {})), line!(), no_local_set),
        (panic_of(|| set.spawn_local(async {})), line!(), no_local_set),
    ];
    for (panicked, line, message) in panics {
        assert_eq!((panicked.file.as_str(), panicked.line), (file!(), line));
        assert!(panicked.message.contains(message), "{panicked:?}");
    }
}

#[test]
fn thousands_of_tasks_on_many_threads_never_see_each_other_s_value() {
    async fn checks(own: u64) {
        assert_eq!(REQUEST_ID.get(), own);
        for step in 0..5 {
            REQUEST_ID.set(own + step);
            yield_now().await;
            assert_eq!(REQUEST_ID.get(), own + step);
            let child = tokio::spawn(async move {
                let inherited = REQUEST_ID.get();
                REQUEST_ID.set(0);
                yield_now().await;
                inherited
            });
            assert_eq!(child.await.unwrap(), own + step);
        }
        if own % 160 == 0 {
            assert_eq!(tokio::task::spawn_blocking(|| REQUEST_ID.get()).await.unwrap(), own + 4);
        }
        assert_eq!(REQUEST_ID.get(), own + 4);
    }
    let runtime = Builder::new_multi_thread().worker_threads(4).build().unwrap();
    runtime.block_on(async {
        let tasks: JoinSet<()> = (0..4000)
            .map(|n| n * 16)
            .map(|own| with_context!(REQUEST_ID = own, async move { checks(own).await }))
            .collect();
        assert_eq!(tasks.join_all().await.len(), 4000);
    });
}
