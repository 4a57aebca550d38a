//! Contexts travel into everything that tokio-util spawns, through the facade `contextvars::tokio_util`.

use std::hash::RandomState;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use contextvars::tokio::runtime::Handle;
use contextvars::tokio::task::LocalSet;
use contextvars::tokio_util::task::{JoinMap, JoinQueue, LocalPoolHandle, TaskTracker, task_tracker};
use contextvars::{Context, ContextExt, context_var, copy_context, tokio, tokio_util};
use tokio::sync::Barrier;

use crate::support;

#[context_var(default = 0)]
static REQUEST_ID: u64;

#[context_var(inherit = false)]
static TRANSACTION: u64;

fn request(id: u64) -> Context {
    Context::new().with(&REQUEST_ID, id).with(&TRANSACTION, id)
}

type Seen = (u64, Option<u64>);

fn seen() -> Seen {
    (REQUEST_ID.get(), TRANSACTION.try_get().ok())
}

/// What is seen after being polled again; in between it changes what it has.
async fn seen_later() -> Seen {
    let token = REQUEST_ID.set(1000);
    tokio::task::yield_now().await;
    REQUEST_ID.reset(token).unwrap();
    seen()
}

/// What a child of request 7 sees.
const INHERITED: Seen = (7, None);

/// Runs a future as request 7, on a set for `!Send` tasks; the context must be the same at its end.
async fn as_request_7<F: Future>(local: &LocalSet, future: F) -> F::Output {
    let check = async move {
        let output = local.run_until(future).await;
        assert_eq!(copy_context(), request(7));
        output
    };
    check.in_context(request(7)).await
}

#[tokio::test]
async fn a_task_tracker_inherits_in_each_of_its_spawns() {
    let local = LocalSet::new();
    as_request_7(&local, async {
        let tracker = TaskTracker::new();
        let handle = Handle::current();
        let tasks = [
            tracker.spawn(seen_later()),
            tracker.spawn_on(seen_later(), &handle),
            tracker.spawn_local(seen_later()),
            tracker.spawn_local_on(seen_later(), &local),
        ];
        assert_eq!(tracker.len(), tasks.len());
        let functions = [tracker.spawn_blocking(seen), tracker.spawn_blocking_on(seen, &handle)];
        tracker.close();
        tracker.wait().await;
        for task in tasks.into_iter().chain(functions) {
            assert_eq!(task.await.unwrap(), INHERITED);
        }
    })
    .await;
}

#[test]
fn a_task_tracker_is_the_same_by_each_of_its_names_and_clones() {
    let tracker = TaskTracker::new();
    let token: task_tracker::TaskTrackerToken = tracker.clone().token();
    assert_eq!(tracker.len(), 1);
    assert!(TaskTracker::ptr_eq(&tracker, token.task_tracker()));
    assert!(!TaskTracker::ptr_eq(&tracker, &TaskTracker::default()));
    assert_eq!(tracker.into_inner().len(), 1);
}

#[tokio::test]
async fn a_join_map_inherits_in_each_of_its_spawns() {
    let local = LocalSet::new();
    as_request_7(&local, async {
        let mut map = JoinMap::with_capacity_and_hasher(6, RandomState::new());
        let handle = Handle::current();
        map.spawn("spawn", seen_later());
        map.spawn_on("spawn_on", seen_later(), &handle);
        map.spawn_local("spawn_local", seen_later());
        map.spawn_local_on("spawn_local_on", seen_later(), &local);
        map.spawn_blocking("spawn_blocking", seen);
        map.spawn_blocking_on("spawn_blocking_on", seen, &handle);
        assert!(map.contains_key("spawn"));
        let mut finished = 0;
        while let Some((name, task)) = map.join_next().await {
            assert_eq!(task.unwrap(), INHERITED, "{name}");
            finished += 1;
        }
        assert_eq!(finished, 6);
    })
    .await;
}

#[tokio::test]
async fn a_join_queue_inherits_in_each_of_its_spawns() {
    let local = LocalSet::new();
    as_request_7(&local, async {
        let mut queue = JoinQueue::with_capacity(5);
        let handle = Handle::current();
        queue.spawn(seen_later());
        queue.spawn_on(seen_later(), &handle);
        queue.spawn_local(seen_later());
        queue.spawn_blocking(seen);
        queue.spawn_blocking_on(seen, &handle);
        assert_eq!(queue.join_all().await, [INHERITED; 5]);
        let collected: JoinQueue<_> = [seen_later(), seen_later()].into_iter().collect();
        assert_eq!(collected.join_all().await, [INHERITED; 2]);
    })
    .await;
}

#[tokio::test]
async fn a_join_queue_is_tokio_utils_for_all_else() {
    let mut queue: JoinQueue<u32> = JoinQueue::new();
    queue.spawn(std::future::pending());
    assert_eq!(queue.len(), 1);
    queue.abort_all();
    assert!(queue.join_next().await.expect("there is one").unwrap_err().is_cancelled());
    queue.spawn(std::future::ready(1));
    assert_eq!(queue.into_inner().join_all().await, [1]);
}

#[tokio::test]
async fn what_is_inside_can_be_had_back() {
    let mut map = JoinMap::new();
    map.spawn("one", std::future::ready(1));
    let mut plain = map.into_inner();
    assert_eq!(plain.join_next().await.expect("there is one").1.expect("it does not panic"), 1);
    let plain = LocalPoolHandle::new(2).into_inner();
    // Nothing of the facade is left: the task has no context.
    let seen = Context::new().with(&REQUEST_ID, 7).run(|| plain.spawn_pinned(async || seen()));
    assert_eq!(seen.await.expect("it does not panic"), (0, None));
}

#[test]
fn collections_have_the_room_that_they_were_asked_for() {
    assert!(JoinMap::<u8, ()>::with_capacity(100).capacity() >= 100);
    assert_eq!(JoinMap::<u8, (), _>::with_hasher(RandomState::new()).capacity(), 0);
}

#[test]
fn collections_pools_and_trackers_show_what_tokio_utils_do() {
    assert!(format!("{:?}", JoinMap::<u8, ()>::new()).starts_with("JoinMap"));
    let queue = JoinQueue::<()>::new();
    assert!(format!("{queue:?}") == format!("{:?}", *queue) && !format!("{queue:?}").is_empty());
    assert_eq!(format!("{:?}", LocalPoolHandle::new(1)), "LocalPoolHandle");
    assert!(format!("{:?}", TaskTracker::new()).starts_with("TaskTracker { len: 0, "));
}

#[tokio::test]
async fn a_local_pool_inherits_when_the_task_is_made_and_when_it_is_polled() {
    let local = LocalSet::new();
    as_request_7(&local, async {
        let pool = LocalPoolHandle::new(2);
        let create = || {
            let made = seen();
            // What making the task sets, the task sees.
            let token = REQUEST_ID.set(8);
            async move {
                REQUEST_ID.reset(token).unwrap();
                (made, seen_later().await)
            }
        };
        assert_eq!(pool.spawn_pinned(create).await.unwrap(), (INHERITED, INHERITED));
        assert_eq!(pool.spawn_pinned_by_idx(create, 1).await.unwrap(), (INHERITED, INHERITED));
        assert_eq!(pool.num_threads(), 2);
    })
    .await;
}

#[test]
fn outside_of_a_runtime_the_panic_names_the_caller() {
    let message = "there is no reactor running, must be called from the context of a Tokio 1.x runtime";
    let panics = [
        support::panic_of(|| TaskTracker::new().spawn(async {})),
        support::panic_of(|| TaskTracker::new().spawn_blocking(|| ())),
        support::panic_of(|| JoinMap::new().spawn(1, async {})),
        support::panic_of(|| JoinMap::new().spawn_blocking(1, || ())),
        support::panic_of(|| JoinQueue::new().spawn(async {})),
        support::panic_of(|| JoinQueue::new().spawn_blocking(|| ())),
    ];
    for panicked in panics {
        assert_eq!((panicked.message.as_str(), panicked.file.as_str()), (message, file!()));
    }
    let message = "`spawn_local` called from outside of a `task::LocalSet`";
    let panics = [
        support::panic_of(|| TaskTracker::new().spawn_local(async {})),
        support::panic_of(|| JoinMap::new().spawn_local(1, async {})),
        support::panic_of(|| JoinQueue::new().spawn_local(async {})),
    ];
    for panicked in panics {
        assert!(panicked.message.contains(message) && panicked.file == file!(), "{panicked:?}");
    }
}

#[tokio::test]
async fn a_thread_that_a_local_pool_does_not_have_is_reported_at_the_caller() {
    let pool = LocalPoolHandle::new(1);
    let panicked = support::panic_of(|| pool.spawn_pinned_by_idx(|| async {}, 1));
    assert_eq!(panicked.file, file!());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_in_step_never_see_each_others_values() {
    const TASKS: u64 = 60;
    let in_step = Arc::new(Barrier::new(usize::try_from(TASKS).unwrap()));
    let (tracker, mut map, mut queue) = (TaskTracker::new(), JoinMap::new(), JoinQueue::new());
    for id in 0..TASKS {
        let in_step = in_step.clone();
        let task = async move {
            for _ in 0..10 {
                in_step.wait().await;
                assert_eq!(REQUEST_ID.get(), id);
                REQUEST_ID.set(id);
            }
        };
        request(id).run(|| match id % 3 {
            0 => drop(tracker.spawn(task)),
            1 => map.spawn(id, task),
            _ => drop(queue.spawn(task)),
        });
    }
    tracker.close();
    tracker.wait().await;
    while let Some((_, joined)) = map.join_next().await {
        joined.unwrap();
    }
    queue.join_all().await;
}

/// Tells in its `Drop` which request it is in.
struct Witness(Sender<u64>);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.send(REQUEST_ID.get()).unwrap();
    }
}

#[tokio::test]
async fn a_task_that_its_collection_gives_up_is_dropped_in_its_context() {
    let (tell, told) = channel();
    let task = || {
        let witness = Witness(tell.clone());
        async move {
            let _witness = witness;
            std::future::pending::<()>().await;
        }
    };
    let (mut map, mut queue) = (JoinMap::new(), JoinQueue::new());
    request(7).run(|| {
        map.spawn("aborted", task());
        map.spawn("replaced", task());
        map.spawn("replaced", async {});
        queue.spawn(task());
    });
    map.abort("aborted");
    while map.join_next().await.is_some() {}
    queue.shutdown().await;
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [7; 3]);
}

#[tokio::test]
async fn a_panic_in_a_local_pool_is_the_tasks_own_and_leaves_nothing_on_its_thread() {
    let pool = LocalPoolHandle::new(1);
    let boom = || async {
        REQUEST_ID.set(8);
        std::panic::resume_unwind(Box::new("boom"))
    };
    let panicked: Result<(), _> = request(7).run(|| pool.spawn_pinned(boom)).await;
    assert!(panicked.unwrap_err().is_panic());
    assert_eq!(pool.spawn_pinned(|| async { seen() }).await.unwrap(), (0, None));
}

#[tokio::test]
async fn the_rest_of_tokio_util_is_there() {
    let token = tokio_util::sync::CancellationToken::new();
    token.cancel();
    assert!(token.run_until_cancelled(std::future::pending::<()>()).await.is_none());
    let handle = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(async { 1 }));
    assert_eq!(handle.await.unwrap(), 1);
}
