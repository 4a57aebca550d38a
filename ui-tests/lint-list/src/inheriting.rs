//! The same with what inherits: not one line is to be reported.

use std::collections::BinaryHeap;

use contextvars::rayon::prelude::*;
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

fn is_even(n: &u128) -> bool {
    n % 2 == 0
}

fn no_children(_: &u128) -> [u128; 0] {
    []
}

/// See the module.
pub fn of_collections(numbers: &mut Vec<u128>, heap: &mut BinaryHeap<u128>) {
    numbers.par_iter().count();
    numbers.par_iter_mut().count();
    numbers.par_drain(..).count();
    heap.par_drain().count();
    (0..4).into_par_iter().count();
    (0..4).par_bridge().count();
}

/// See the module.
pub fn slices(numbers: &mut [u128]) {
    numbers.par_split(is_even).count();
    numbers.par_split_inclusive(is_even).count();
    numbers.par_windows(2).count();
    numbers.par_array_windows::<2>().count();
    numbers.par_chunks(2).count();
    numbers.par_chunks_exact(2).count();
    numbers.par_rchunks(2).count();
    numbers.par_rchunks_exact(2).count();
    numbers.par_chunk_by(u128::eq).count();
    numbers.par_split_mut(is_even).count();
    numbers.par_split_inclusive_mut(is_even).count();
    numbers.par_chunks_mut(2).count();
    numbers.par_chunks_exact_mut(2).count();
    numbers.par_rchunks_mut(2).count();
    numbers.par_rchunks_exact_mut(2).count();
    numbers.par_chunk_by_mut(u128::eq).count();
}

/// See the module.
pub fn sorts(numbers: &mut [u128]) {
    numbers.par_sort();
    numbers.par_sort_by(u128::cmp);
    numbers.par_sort_by_key(|n| n % 3);
    numbers.par_sort_by_cached_key(|n| n % 3);
    numbers.par_sort_unstable();
    numbers.par_sort_unstable_by(u128::cmp);
    numbers.par_sort_unstable_by_key(|n| n % 3);
}

/// See the module.
pub fn texts(text: &str) {
    text.par_chars().count();
    text.par_char_indices().count();
    text.par_bytes().count();
    text.par_encode_utf16().count();
    text.par_split(' ').count();
    text.par_split_inclusive(' ').count();
    text.par_split_terminator(' ').count();
    text.par_lines().count();
    text.par_split_whitespace().count();
    text.par_split_ascii_whitespace().count();
    text.par_matches(' ').count();
    text.par_match_indices(' ').count();
}

/// See the module.
pub fn sources() {
    rayon::iter::empty::<u128>().count();
    rayon::iter::once(1).count();
    rayon::iter::repeat(1).count();
    rayon::iter::repeat_n(1, 2).count();
    rayon::iter::split(0, |n: u128| (n, None)).count();
    rayon::iter::walk_tree(0_u128, no_children).count();
    rayon::iter::walk_tree_prefix(0_u128, no_children).count();
    rayon::iter::walk_tree_postfix(0_u128, no_children).count();
}
