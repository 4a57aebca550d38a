//! The same with what inherits: not one line is to be reported.

use contextvars::rayon::{self, Scope, ScopeFifo, ThreadPool};
use contextvars::thread;
use contextvars::tokio::runtime::{Handle, LocalRuntime, Runtime};
use contextvars::tokio::task::{JoinSet, LocalSet};
use contextvars::tokio::{self, SpawnInheriting, SpawnLocalInheriting};
use contextvars::tokio_util::task::{JoinMap, JoinQueue, LocalPoolHandle, TaskTracker};

/// See the module.
pub fn threads() {
    drop(thread::spawn(work));
    drop(thread::Builder::new().spawn(work));
    thread::scope(|scope| {
        drop(scope.spawn(work));
        drop(thread::Builder::new().spawn_scoped(scope, work));
    });
}

fn work() {}
async fn task() {}

/// See the module.
pub fn tasks() {
    drop(tokio::spawn(task()));
    drop(tokio::task::spawn(task()));
    drop(tokio::task::spawn_blocking(work));
    drop(tokio::task::spawn_local(task()));
}

/// See the module.
pub fn runtimes(handle: &Handle, runtime: &Runtime, local: &LocalRuntime) {
    drop(handle.spawn_inheriting(task()));
    drop(handle.spawn_blocking_inheriting(work));
    drop(runtime.spawn_inheriting(task()));
    drop(runtime.spawn_blocking_inheriting(work));
    drop(local.spawn_local_inheriting(task()));
    drop(local.spawn_blocking_inheriting(work));
}

/// See the module.
pub fn sets(set: &mut JoinSet<()>, local: &LocalSet, handle: &Handle) {
    drop(local.spawn_local(task()));
    set.spawn(task());
    set.spawn_on(task(), handle);
    set.spawn_local(task());
    set.spawn_local_on(task(), local);
    set.spawn_blocking(work);
    set.spawn_blocking_on(work, handle);
}

/// See the module.
pub fn trackers(tracker: &TaskTracker, local: &LocalSet, handle: &Handle) {
    drop(tracker.spawn(task()));
    drop(tracker.spawn_on(task(), handle));
    drop(tracker.spawn_local(task()));
    drop(tracker.spawn_local_on(task(), local));
    drop(tracker.spawn_blocking(work));
    drop(tracker.spawn_blocking_on(work, handle));
}

/// See the module.
pub fn collections(map: &mut JoinMap<u8, ()>, queue: &mut JoinQueue<()>, local: &LocalSet, handle: &Handle) {
    map.spawn(1, task());
    map.spawn_on(2, task(), handle);
    map.spawn_local(3, task());
    map.spawn_local_on(4, task(), local);
    map.spawn_blocking(5, work);
    map.spawn_blocking_on(6, work, handle);
    queue.spawn(task());
    queue.spawn_on(task(), handle);
    queue.spawn_local(task());
    queue.spawn_blocking(work);
    queue.spawn_blocking_on(work, handle);
}

/// See the module.
pub fn pinned(pool: &LocalPoolHandle) {
    drop(pool.spawn_pinned(task));
    drop(pool.spawn_pinned_by_idx(task, 0));
}

/// See the module.
pub fn jobs() {
    rayon::join(work, work);
    rayon::join_context(|_| (), |_| ());
    rayon::scope(in_scope);
    rayon::scope_fifo(in_fifo);
    rayon::in_place_scope(in_scope);
    rayon::in_place_scope_fifo(in_fifo);
    rayon::spawn(work);
    rayon::spawn_fifo(work);
    rayon::broadcast(|_| ());
    rayon::spawn_broadcast(|_| ());
}

fn in_scope(scope: &Scope<'_>) {
    scope.spawn(|_| ());
    scope.spawn_broadcast(|_, _| ());
}

fn in_fifo(scope: &ScopeFifo<'_>) {
    scope.spawn_fifo(|_| ());
    scope.spawn_broadcast(|_, _| ());
}

/// See the module.
pub fn pools(pool: &ThreadPool) {
    pool.install(work);
    pool.join(work, work);
    pool.scope(in_scope);
    pool.scope_fifo(in_fifo);
    pool.in_place_scope(in_scope);
    pool.in_place_scope_fifo(in_fifo);
    pool.spawn(work);
    pool.spawn_fifo(work);
    pool.broadcast(|_| ());
    pool.spawn_broadcast(|_| ());
}
