//! What work that goes on, and what is kept of work that is done, keeps alive of the request that started it.

use std::pin::Pin;
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use contextvars::hyper::ContextExecutor;
use contextvars::tokio::runtime::{Builder, Handle, LocalRuntime};
use contextvars::tokio::task::{JoinSet, LocalSet};
use contextvars::tokio::{SpawnInheriting, SpawnLocalInheriting};
use contextvars::tokio_util::task::{JoinMap, JoinQueue, LocalPoolHandle, TaskTracker};
use contextvars::{Context, ContextExt, context_var, copy_context, thread, tokio, with_context};
use hyper::rt::Executor;
use hyper_util::rt::TokioExecutor;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::{Census, Citizen};

#[context_var]
static OWNED: Citizen;

#[context_var(default = 0)]
static REQUEST: u32;

#[context_var(default = 0)]
static OTHER: u32;

/// Work that goes on until the test is done with it.
type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How many values of the request are alive while work goes on that it started, though the request is over.
fn kept_by<K>(start: impl FnOnce(Work) -> K) -> usize {
    let census = Census::new();
    let (done, until_done) = oneshot::channel::<()>();
    let started = with_context!(OWNED = census.citizen(), {
        start(Box::pin(async {
            let _ = until_done.await;
        }))
    });
    let alive = census.alive();
    drop((done, started));
    alive
}

/// What each kind of task keeps alive that is made of `prepared` work.
fn kept_by_each<F>(prepared: impl Fn(Work) -> F) -> Vec<(&'static str, usize)>
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    let on_one_thread = LocalRuntime::new().expect("a runtime");
    let local = LocalSet::new();
    runtime.block_on(local.run_until(async {
        let handle = Handle::current();
        let tracker = TaskTracker::new();
        macro_rules! kept {
            ($($work:ident => $started:expr;)*) => {
                vec![$((stringify!($started), kept_by(|work| { let $work = prepared(work); $started }))),*]
            };
        }
        let kept = kept! {
            work => tokio::spawn(work);
            work => tokio::task::spawn_local(work);
            work => local.spawn_local(work);
            work => handle.spawn_inheriting(work);
            work => runtime.spawn_inheriting(work);
            work => on_one_thread.spawn_local_inheriting(work);
            work => { let mut set = JoinSet::new(); set.spawn(work); set };
            work => { let mut set = JoinSet::new(); set.spawn_on(work, &handle); set };
            work => { let mut set = JoinSet::new(); set.spawn_local(work); set };
            work => { let mut set = JoinSet::new(); set.spawn_local_on(work, &local); set };
            work => { let mut set = JoinSet::new(); set.extend([work]); set };
            work => [work].into_iter().collect::<JoinSet<()>>();
            work => { let mut map = JoinMap::new(); map.spawn(1, work); map };
            work => { let mut map = JoinMap::new(); map.spawn_on(1, work, &handle); map };
            work => { let mut map = JoinMap::new(); map.spawn_local(1, work); map };
            work => { let mut map = JoinMap::new(); map.spawn_local_on(1, work, &local); map };
            work => { let mut queue = JoinQueue::new(); queue.spawn(work); queue };
            work => { let mut queue = JoinQueue::new(); queue.spawn_on(work, &handle); queue };
            work => { let mut queue = JoinQueue::new(); queue.spawn_local(work); queue };
            work => [work].into_iter().collect::<JoinQueue<()>>();
            work => tracker.spawn(work);
            work => tracker.spawn_on(work, &handle);
            work => tracker.spawn_local(work);
            work => tracker.spawn_local_on(work, &local);
            work => ContextExecutor::inheriting(TokioExecutor::new()).execute(work);
        };
        #[cfg(tokio_unstable)]
        let kept = {
            use contextvars::tokio::task::Builder as Named;
            let mut kept = kept;
            kept.extend(kept! {
                work => Named::new().spawn(work);
                work => Named::new().spawn_on(work, &handle);
                work => Named::new().spawn_local(work);
                work => Named::new().spawn_local_on(work, &local);
                work => { let mut set = JoinSet::new(); set.build_task().spawn(work).expect("it starts"); set };
                work => { let mut set = JoinSet::new(); set.build_task().spawn_local(work).expect("it starts"); set };
            });
            kept
        };
        kept
    }))
}

#[test]
fn a_future_that_was_given_a_context_keeps_nothing_of_its_spawners_whatever_spawns_it() {
    for (spawn, alive) in kept_by_each(|work| work.in_context(Context::new())) {
        assert_eq!(alive, 0, "{spawn}");
    }
}

#[test]
fn a_future_that_was_given_no_context_keeps_what_it_inherits() {
    for (spawn, alive) in kept_by_each(|work| work) {
        assert_eq!(alive, 1, "{spawn}");
    }
}

#[tokio::test]
async fn a_future_that_was_given_a_context_runs_in_it_and_inherits_nothing() {
    let given = Context::new().with(&REQUEST, 2);
    let spawned = with_context!(REQUEST = 1, OTHER = 1, {
        tokio::spawn(async { (REQUEST.get(), OTHER.get()) }.in_context(given))
    });
    assert_eq!(spawned.await.expect("it does not panic"), (2, 0));
}

#[tokio::test]
async fn what_is_around_a_future_with_a_context_inherits() {
    let around = async {
        let inside = async { REQUEST.get() }.in_context(Context::new().with(&REQUEST, 2)).await;
        (inside, REQUEST.get())
    };
    let spawned = with_context!(REQUEST = 1, { tokio::spawn(around) });
    assert_eq!(spawned.await.expect("it does not panic"), (2, 1));
}

/// The function that makes the task inherits, the task was given a context.
#[tokio::test]
async fn a_task_of_a_local_pool_that_is_given_a_context_keeps_nothing_of_its_spawners() {
    let pool = LocalPoolHandle::new(1);
    let census = Census::new();
    let ((begun, until_begun), (done, until_done)) = (oneshot::channel(), oneshot::channel::<()>());
    let task = with_context!(REQUEST = 1, OWNED = census.citizen(), {
        pool.spawn_pinned(move || {
            let made_in = REQUEST.get();
            async move {
                begun.send((made_in, REQUEST.get())).expect("the test listens");
                until_done.await
            }
            .in_context(Context::new())
        })
    });
    assert_eq!(until_begun.await, Ok((1, 0)));
    assert_eq!(census.alive(), 0);
    drop(done);
    task.await.expect("it does not panic").expect_err("nothing was sent");
}

/// A closure that enters a context looks like any other.
#[tokio::test]
async fn a_function_that_was_given_a_context_keeps_its_spawners_values_while_it_runs() {
    let blocking = |work: Work| tokio::task::spawn_blocking(Context::new().wrap_once(|| pollster::block_on(work)));
    assert_eq!(kept_by(blocking), 1);
    assert_eq!(kept_by(|work| thread::spawn(Context::new().wrap_once(|| pollster::block_on(work)))), 1);
}

#[tokio::test]
async fn whatever_is_started_in_an_empty_context_keeps_nothing_functions_too() {
    let blocking = |work: Work| Context::new().run(|| tokio::task::spawn_blocking(|| pollster::block_on(work)));
    assert_eq!(kept_by(blocking), 0);
    assert_eq!(kept_by(|work| Context::new().run(|| thread::spawn(|| pollster::block_on(work)))), 0);
    assert_eq!(kept_by(|work| Context::new().run(|| tokio::spawn(work))), 0);
    assert_eq!(kept_by(|work| Context::new().run(|| TaskTracker::new().spawn(work))), 0);
    // By tokio itself, too, where no hooks inherit.
    assert_eq!(kept_by(|work| ::tokio::spawn(work.in_context(Context::new()))), 0);
}

#[tokio::test]
async fn what_is_spawned_detached_keeps_nothing_and_has_a_context_to_set_variables_in() {
    assert_eq!(kept_by(tokio::spawn_detached), 0);
    let work = async {
        assert!(copy_context().is_empty());
        REQUEST.set(1);
        tokio::task::yield_now().await;
        REQUEST.get()
    };
    let task = with_context!(REQUEST = 7, { tokio::spawn_detached(work) });
    assert_eq!(task.await.expect("it does not panic"), 1);
    assert!(copy_context().is_empty());
}

/// A worker that the first request starts, as pools, caches and clients do.
struct Worker(OnceLock<mpsc::Sender<()>>);

impl Worker {
    fn started_by(&self, spawn: impl FnOnce(Work) -> JoinHandle<()>) {
        self.0.get_or_init(|| {
            let (sender, receiver) = mpsc::channel();
            spawn(Box::pin(async move {
                std::future::pending::<()>().await;
                drop(receiver);
            }));
            sender
        });
    }
}

#[tokio::test]
async fn a_worker_that_is_started_lazily_keeps_the_first_requests_values_unless_it_is_detached() {
    for (spawn, kept) in [(tokio::spawn as fn(Work) -> _, 1), (tokio::spawn_detached, 0)] {
        let (worker, census) = (Worker(OnceLock::new()), Census::new());
        for _request in 0..3 {
            with_context!(OWNED = census.citizen(), { worker.started_by(spawn) });
        }
        assert_eq!((census.born(), census.alive()), (3, kept));
    }
}

/// `request` in a context with a value, whose result is kept: how many such values are alive then.
async fn kept_by_the_result_of<K>(request: impl AsyncFnOnce() -> K) -> usize {
    let census = Census::new();
    let kept = with_context!(OWNED = census.citizen(), async { request().await }).await;
    let alive = census.alive();
    drop(kept);
    alive
}

#[tokio::test]
async fn handles_of_what_is_done_keep_nothing() {
    let join_handle = async || {
        let handle = tokio::spawn(async {});
        while !handle.is_finished() {
            tokio::task::yield_now().await;
        }
        [handle]
    };
    assert_eq!(kept_by_the_result_of(join_handle).await, 0);
    let abort_handle = async || {
        let task = tokio::spawn(std::future::pending::<()>());
        let handle = task.abort_handle();
        handle.abort();
        task.await.expect_err("it was aborted");
        handle
    };
    assert_eq!(kept_by_the_result_of(abort_handle).await, 0);
    let set_with_a_member_not_joined = async || {
        let mut set = JoinSet::new();
        let member = set.spawn(async {});
        while !member.is_finished() {
            tokio::task::yield_now().await;
        }
        set
    };
    assert_eq!(kept_by_the_result_of(set_with_a_member_not_joined).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_timer_keeps_the_requests_values_until_it_fires_unless_it_is_detached() {
    let tick = || async { tokio::time::sleep(Duration::from_secs(10)).await };
    for (spawn, kept) in [(tokio::spawn as fn(Work) -> _, 1), (tokio::spawn_detached, 0)] {
        let census = Census::new();
        let timer = with_context!(OWNED = census.citizen(), { spawn(Box::pin(tick())) });
        assert_eq!(census.alive(), kept);
        timer.await.expect("it fires");
        assert_eq!(census.alive(), 0);
    }
    // The timer alone, without a task, has no context.
    let alone = async || tokio::time::sleep(Duration::from_secs(10));
    assert_eq!(kept_by_the_result_of(alone).await, 0);
}
