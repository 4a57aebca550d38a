//! What goes along with work that is started: all but what must stay behind, everything, or nothing.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::ready;
use std::sync::mpsc::{Sender, channel};

use contextvars::hyper::ContextExecutor;
use contextvars::rayon::prelude::*;
use contextvars::tokio::runtime::{Builder, Handle, LocalRuntime};
use contextvars::tokio::task::{JoinSet, LocalSet};
use contextvars::tokio::{SpawnInheriting, SpawnLocalInheriting};
use contextvars::tokio_util::task::{JoinMap, JoinQueue, LocalPoolHandle, TaskTracker};
use contextvars::tower::ContextLayer;
use contextvars::{
    Context, ContextExt, SharedContext, context_var, copy_context, inherit_context, rayon, round_trip, thread, tokio,
    with_context,
};
use http::{Request, Response};
use hyper::rt::Executor;
use hyper_util::rt::TokioExecutor;
use tokio::sync::oneshot;
use tower::{Layer, ServiceExt, service_fn};

#[context_var(default = 0)]
static REQUEST: u32;

#[context_var(default = 0, inherit = false)]
static TRANSACTION: u32;

/// What the code at hand sees of the two variables.
fn seen() -> (u32, u32) {
    (REQUEST.get(), TRANSACTION.get())
}

/// Runs `f` where both are set.
fn in_a_transaction<R>(f: impl FnOnce() -> R) -> R {
    Context::new().with(&REQUEST, 7).with(&TRANSACTION, 8).run(f)
}

/// Starts children, each of which tells what it sees and what it is.
struct Teller(Sender<(&'static str, (u32, u32))>);

impl Teller {
    /// What a child calls.
    fn call(&self, child: &'static str) -> impl Fn() + Clone + Send + Sync + 'static {
        let sender = self.0.clone();
        move || sender.send((child, seen())).expect("the test listens")
    }

    /// What a child polls, more than once.
    fn task(&self, child: &'static str) -> impl Future<Output = ()> + Send + 'static {
        let call = self.call(child);
        async move {
            tokio::task::yield_now().await;
            call();
        }
    }
}

fn start_threads(tell: &Teller) {
    thread::spawn(tell.call("thread::spawn"));
    thread::Builder::new().spawn(tell.call("thread::Builder::spawn")).expect("it starts");
    thread::scope(|s| {
        s.spawn(tell.call("thread::Scope::spawn"));
        thread::Builder::new().spawn_scoped(s, tell.call("thread::Builder::spawn_scoped")).expect("it starts");
    });
}

/// What spawns without keeping what it spawned.
async fn start_tasks(tell: &Teller, local: &LocalSet) {
    let handle = Handle::current();
    let tasks = [
        tokio::spawn(tell.task("tokio::spawn")),
        tokio::task::spawn_blocking(tell.call("tokio::task::spawn_blocking")),
        tokio::task::spawn_local(tell.task("tokio::task::spawn_local")),
        local.spawn_local(tell.task("LocalSet::spawn_local")),
        handle.spawn_inheriting(tell.task("Handle::spawn_inheriting")),
        handle.spawn_blocking_inheriting(tell.call("Handle::spawn_blocking_inheriting")),
    ];
    for task in tasks {
        task.await.expect("it does not panic");
    }
    let (done, until_done) = oneshot::channel();
    let task = tell.task("ContextExecutor");
    ContextExecutor::inheriting(TokioExecutor::new()).execute(async {
        task.await;
        done.send(()).expect("the test listens");
    });
    until_done.await.expect("it does not panic");
}

fn start_on_runtimes(tell: &Teller) {
    let runtime = Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    let tasks = [
        runtime.spawn_inheriting(tell.task("Runtime::spawn_inheriting")),
        runtime.spawn_blocking_inheriting(tell.call("Runtime::spawn_blocking_inheriting")),
    ];
    for task in tasks {
        runtime.block_on(task).expect("it does not panic");
    }
    let runtime = LocalRuntime::new().expect("a runtime");
    let tasks = [
        runtime.spawn_inheriting(tell.task("LocalRuntime::spawn_inheriting")),
        runtime.spawn_blocking_inheriting(tell.call("LocalRuntime::spawn_blocking_inheriting")),
        runtime.spawn_local_inheriting(tell.task("LocalRuntime::spawn_local_inheriting")),
    ];
    for task in tasks {
        runtime.block_on(task).expect("it does not panic");
    }
}

async fn start_in_collections(tell: &Teller, local: &LocalSet) {
    let handle = Handle::current();
    let mut set: JoinSet<()> = [tell.task("JoinSet::from_iter")].into_iter().collect();
    set.extend([tell.task("JoinSet::extend")]);
    set.spawn(tell.task("JoinSet::spawn"));
    set.spawn_on(tell.task("JoinSet::spawn_on"), &handle);
    set.spawn_local(tell.task("JoinSet::spawn_local"));
    set.spawn_local_on(tell.task("JoinSet::spawn_local_on"), local);
    set.spawn_blocking(tell.call("JoinSet::spawn_blocking"));
    set.spawn_blocking_on(tell.call("JoinSet::spawn_blocking_on"), &handle);
    set.join_all().await;

    let mut map = JoinMap::new();
    map.spawn(1, tell.task("JoinMap::spawn"));
    map.spawn_on(2, tell.task("JoinMap::spawn_on"), &handle);
    map.spawn_local(3, tell.task("JoinMap::spawn_local"));
    map.spawn_local_on(4, tell.task("JoinMap::spawn_local_on"), local);
    map.spawn_blocking(5, tell.call("JoinMap::spawn_blocking"));
    map.spawn_blocking_on(6, tell.call("JoinMap::spawn_blocking_on"), &handle);
    while map.join_next().await.is_some() {}

    let mut queue: JoinQueue<()> = [tell.task("JoinQueue::from_iter")].into_iter().collect();
    queue.spawn(tell.task("JoinQueue::spawn"));
    queue.spawn_on(tell.task("JoinQueue::spawn_on"), &handle);
    queue.spawn_local(tell.task("JoinQueue::spawn_local"));
    queue.spawn_blocking(tell.call("JoinQueue::spawn_blocking"));
    queue.spawn_blocking_on(tell.call("JoinQueue::spawn_blocking_on"), &handle);
    queue.join_all().await;

    let tracker = TaskTracker::new();
    tracker.spawn(tell.task("TaskTracker::spawn"));
    tracker.spawn_on(tell.task("TaskTracker::spawn_on"), &handle);
    tracker.spawn_local(tell.task("TaskTracker::spawn_local"));
    tracker.spawn_local_on(tell.task("TaskTracker::spawn_local_on"), local);
    tracker.spawn_blocking(tell.call("TaskTracker::spawn_blocking"));
    tracker.spawn_blocking_on(tell.call("TaskTracker::spawn_blocking_on"), &handle);
    tracker.close();
    tracker.wait().await;

    let pool = LocalPoolHandle::new(1);
    let (first, second) =
        (tell.task("LocalPoolHandle::spawn_pinned"), tell.task("LocalPoolHandle::spawn_pinned_by_idx"));
    pool.spawn_pinned(|| first).await.expect("it does not panic");
    pool.spawn_pinned_by_idx(|| second, 0).await.expect("it does not panic");
}

fn start_jobs(tell: &Teller) {
    rayon::join(tell.call("rayon::join, left"), tell.call("rayon::join, right"));
    let (left, right) = (tell.call("rayon::join_context, left"), tell.call("rayon::join_context, right"));
    rayon::join_context(|_| left(), |_| right());
    rayon::spawn(tell.call("rayon::spawn"));
    rayon::spawn_fifo(tell.call("rayon::spawn_fifo"));
    let call = tell.call("rayon::broadcast");
    rayon::broadcast(|_| call());
    let call = tell.call("rayon::spawn_broadcast");
    rayon::spawn_broadcast(move |_| call());
    rayon::scope(|s| {
        tell.call("rayon::scope")();
        s.spawn(|_| tell.call("rayon::Scope::spawn")());
        s.spawn_broadcast(|_, _| tell.call("rayon::Scope::spawn_broadcast")());
    });
    rayon::scope_fifo(|s| {
        tell.call("rayon::scope_fifo")();
        s.spawn_fifo(|_| tell.call("rayon::ScopeFifo::spawn_fifo")());
        s.spawn_broadcast(|_, _| tell.call("rayon::ScopeFifo::spawn_broadcast")());
    });
    rayon::in_place_scope(|s| s.spawn(|_| tell.call("rayon::in_place_scope")()));
    rayon::in_place_scope_fifo(|s| s.spawn_fifo(|_| tell.call("rayon::in_place_scope_fifo")()));

    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    pool.install(tell.call("ThreadPool::install"));
    pool.join(tell.call("ThreadPool::join, left"), tell.call("ThreadPool::join, right"));
    pool.spawn(tell.call("ThreadPool::spawn"));
    pool.spawn_fifo(tell.call("ThreadPool::spawn_fifo"));
    pool.broadcast(|_| tell.call("ThreadPool::broadcast")());
    let call = tell.call("ThreadPool::spawn_broadcast");
    pool.spawn_broadcast(move |_| call());
    pool.scope(|_| tell.call("ThreadPool::scope")());
    pool.scope_fifo(|_| tell.call("ThreadPool::scope_fifo")());
    pool.in_place_scope(|s| s.spawn(|_| tell.call("ThreadPool::in_place_scope")()));
    pool.in_place_scope_fifo(|s| s.spawn_fifo(|_| tell.call("ThreadPool::in_place_scope_fifo")()));

    [()].par_iter().inherit_context().for_each(|()| tell.call("inherit_context of an iterator")());
}

async fn start_requests(tell: &Teller) {
    let service = |child| {
        let call = tell.call(child);
        service_fn(move |_: Request<()>| {
            call();
            ready(Ok::<_, Infallible>(Response::new(())))
        })
    };
    let inheriting = ContextLayer::new().layer(service("ContextLayer::new"));
    inheriting.oneshot(Request::new(())).await.expect("it answers");
    let carried = ContextLayer::carried().layer(service("ContextLayer::carried"));
    // In between, as in a buffer, no context.
    let buffer = service_fn(move |request| carried.clone().oneshot(request).in_context(Context::new()));
    ContextLayer::new().carry().layer(buffer).oneshot(Request::new(())).await.expect("it answers");
}

/// What only `--cfg tokio_unstable` has.
#[cfg(tokio_unstable)]
async fn start_what_is_unstable(tell: &Teller, local: &LocalSet) {
    use contextvars::tokio::InheritContexts;
    use contextvars::tokio::task::Builder as Named;

    let handle = Handle::current();
    let tasks = [
        Named::new().spawn(tell.task("Builder::spawn")),
        Named::new().spawn_on(tell.task("Builder::spawn_on"), &handle),
        Named::new().spawn_local(tell.task("Builder::spawn_local")),
        Named::new().spawn_local_on(tell.task("Builder::spawn_local_on"), local),
        Named::new().spawn_blocking(tell.call("Builder::spawn_blocking")),
        Named::new().spawn_blocking_on(tell.call("Builder::spawn_blocking_on"), &handle),
    ];
    for task in tasks {
        task.expect("it starts").await.expect("it does not panic");
    }
    let mut set = JoinSet::new();
    set.build_task().spawn(tell.task("join_set::Builder::spawn")).expect("it starts");
    set.build_task().spawn_on(tell.task("join_set::Builder::spawn_on"), &handle).expect("it starts");
    set.build_task().spawn_local(tell.task("join_set::Builder::spawn_local")).expect("it starts");
    set.build_task().spawn_local_on(tell.task("join_set::Builder::spawn_local_on"), local).expect("it starts");
    set.build_task().spawn_blocking(tell.call("join_set::Builder::spawn_blocking")).expect("it starts");
    set.build_task().spawn_blocking_on(tell.call("join_set::Builder::spawn_blocking_on"), &handle).expect("it starts");
    set.join_all().await;
    // tokio's own, as any crate of the program calls it.
    let hooked = Builder::new_multi_thread().worker_threads(1).inherit_contexts().build().expect("a runtime");
    hooked.spawn(tell.task("Runtime::spawn, with hooks")).await.expect("it does not panic");
    hooked.shutdown_background();
}

/// What each kind of child sees that is started in the current context, through every wrapper that there is.
fn seen_by_children() -> BTreeMap<&'static str, (u32, u32)> {
    let (sender, told) = channel();
    let teller = Teller(sender);
    let tell = &teller;
    inherit_context().run(tell.call("inherit_context"));
    start_threads(tell);
    start_on_runtimes(tell);
    start_jobs(tell);
    let runtime = Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let local = &LocalSet::new();
    runtime.block_on(local.run_until(async {
        start_tasks(tell, local).await;
        start_in_collections(tell, local).await;
        start_requests(tell).await;
        #[cfg(tokio_unstable)]
        start_what_is_unstable(tell, local).await;
    }));
    drop(teller);
    let mut seen = BTreeMap::new();
    // Ends when the last child has.
    for (child, seen_by_it) in told {
        // A broadcast calls a child on each thread.
        assert_eq!(*seen.entry(child).or_insert(seen_by_it), seen_by_it, "{child}");
    }
    assert_eq!(seen.len(), CHILDREN);
    seen
}

/// How many kinds of children there are.
const CHILDREN: usize = if cfg!(tokio_unstable) { 88 } else { 75 };

#[test]
fn every_child_gets_all_but_what_must_stay_behind() {
    for (child, seen) in in_a_transaction(seen_by_children) {
        assert_eq!(seen, (7, 0), "{child}");
    }
}

#[test]
fn a_copy_has_everything() {
    in_a_transaction(|| {
        let copy = copy_context();
        assert_eq!(copy.clone().run(seen), (7, 8));
        assert_eq!(copy.clone().wrap(seen)(), (7, 8));
        assert_eq!(SharedContext::from(copy.clone()).run(seen).expect("it is free"), (7, 8));
        assert_eq!(pollster::block_on(async { seen() }.in_current_context()), (7, 8));
        assert_eq!(pollster::block_on(async { seen() }.in_context(copy.clone())), (7, 8));
        assert_eq!(with_context!(REQUEST = 9, { seen() }), (9, 8));
        assert_eq!(round_trip(seen)().take_back(), (7, 8));
        let iterator = [()].par_iter().with_context(copy.clone()).map(|()| seen());
        assert_eq!(iterator.collect::<Vec<_>>(), [(7, 8)]);
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

#[test]
fn what_is_started_in_an_empty_context_is_detached_whatever_it_is() {
    for (child, seen) in in_a_transaction(|| Context::new().run(seen_by_children)) {
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

#[test]
fn a_future_with_a_copy_of_its_own_takes_along_what_must_stay_even_if_spawned() {
    let runtime = ::tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(
        async {
            let copied = tokio::spawn(async { TRANSACTION.is_set() }.in_current_context());
            let scoped = tokio::spawn(with_context!(REQUEST = 1, async { TRANSACTION.is_set() }));
            let inherited = tokio::spawn(async { TRANSACTION.is_set() });
            let (copied, scoped, inherited) = (copied.await.unwrap(), scoped.await.unwrap(), inherited.await.unwrap());
            assert_eq!((copied, scoped, inherited), (true, true, false));
        }
        .in_context(Context::new().with(&TRANSACTION, 1)),
    );
}
