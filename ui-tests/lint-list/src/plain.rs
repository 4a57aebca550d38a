//! What does not inherit.

use std::collections::BinaryHeap;
use std::thread;

use rayon::prelude::*;
use rayon::{Scope, ScopeFifo, ThreadPool};
use tokio::runtime::{Handle, LocalRuntime, Runtime};
use tokio::task::{JoinSet, LocalSet};
use tokio_util::task::{JoinMap, JoinQueue, LocalPoolHandle, TaskTracker};

/// See the module.
pub fn threads() {
    drop(thread::spawn(work)); // plain
    drop(thread::Builder::new().spawn(work)); // plain
    thread::scope(|scope| {
        drop(scope.spawn(work)); // plain
        drop(thread::Builder::new().spawn_scoped(scope, work)); // plain
    });
}

fn work() {}
async fn task() {}

/// See the module.
pub fn tasks() {
    drop(tokio::spawn(task())); // plain
    drop(tokio::task::spawn(task())); // plain
    drop(tokio::task::spawn_blocking(work)); // plain
    drop(tokio::task::spawn_local(task())); // plain
}

/// See the module.
pub fn runtimes(handle: &Handle, runtime: &Runtime, local: &LocalRuntime) {
    drop(handle.spawn(task())); // plain
    drop(handle.spawn_blocking(work)); // plain
    drop(runtime.spawn(task())); // plain
    drop(runtime.spawn_blocking(work)); // plain
    drop(local.spawn_local(task())); // plain
    drop(local.spawn_blocking(work)); // plain
}

/// See the module.
pub fn sets(set: &mut JoinSet<()>, local: &LocalSet, handle: &Handle) {
    drop(local.spawn_local(task())); // plain
    set.spawn(task()); // plain
    set.spawn_on(task(), handle); // plain
    set.spawn_local(task()); // plain
    set.spawn_local_on(task(), local); // plain
    set.spawn_blocking(work); // plain
    set.spawn_blocking_on(work, handle); // plain
}

/// See the module.
pub fn trackers(tracker: &TaskTracker, local: &LocalSet, handle: &Handle) {
    drop(tracker.spawn(task())); // plain
    drop(tracker.spawn_on(task(), handle)); // plain
    drop(tracker.spawn_local(task())); // plain
    drop(tracker.spawn_local_on(task(), local)); // plain
    drop(tracker.spawn_blocking(work)); // plain
    drop(tracker.spawn_blocking_on(work, handle)); // plain
}

/// See the module.
pub fn collections(map: &mut JoinMap<u8, ()>, queue: &mut JoinQueue<()>, local: &LocalSet, handle: &Handle) {
    map.spawn(1, task()); // plain
    map.spawn_on(2, task(), handle); // plain
    map.spawn_local(3, task()); // plain
    map.spawn_local_on(4, task(), local); // plain
    map.spawn_blocking(5, work); // plain
    map.spawn_blocking_on(6, work, handle); // plain
    queue.spawn(task()); // plain
    queue.spawn_on(task(), handle); // plain
    queue.spawn_local(task()); // plain
    queue.spawn_blocking(work); // plain
    queue.spawn_blocking_on(work, handle); // plain
}

/// See the module.
pub fn pinned(pool: &LocalPoolHandle) {
    drop(pool.spawn_pinned(task)); // plain
    drop(pool.spawn_pinned_by_idx(task, 0)); // plain
}

/// See the module.
pub fn jobs() {
    rayon::join(work, work); // plain
    rayon::join_context(|_| (), |_| ()); // plain
    rayon::scope(in_scope); // plain
    rayon::scope_fifo(in_fifo); // plain
    rayon::in_place_scope(in_scope); // plain
    rayon::in_place_scope_fifo(in_fifo); // plain
    rayon::spawn(work); // plain
    rayon::spawn_fifo(work); // plain
    rayon::broadcast(|_| ()); // plain
    rayon::spawn_broadcast(|_| ()); // plain
}

fn in_scope(scope: &Scope<'_>) {
    scope.spawn(|_| ()); // plain
    scope.spawn_broadcast(|_, _| ()); // plain
}

fn in_fifo(scope: &ScopeFifo<'_>) {
    scope.spawn_fifo(|_| ()); // plain
    scope.spawn_broadcast(|_, _| ()); // plain
}

/// See the module.
pub fn pools(pool: &ThreadPool) {
    pool.install(work); // plain
    pool.join(work, work); // plain
    pool.scope(in_scope); // plain
    pool.scope_fifo(in_fifo); // plain
    pool.in_place_scope(in_scope); // plain
    pool.in_place_scope_fifo(in_fifo); // plain
    pool.spawn(work); // plain
    pool.spawn_fifo(work); // plain
    pool.broadcast(|_| ()); // plain
    pool.spawn_broadcast(|_| ()); // plain
}

fn is_even(n: &u128) -> bool {
    n % 2 == 0
}

fn no_children(_: &u128) -> [u128; 0] {
    []
}

/// See the module.
pub fn of_collections(numbers: &mut Vec<u128>, heap: &mut BinaryHeap<u128>) {
    numbers.par_iter().count(); // plain
    numbers.par_iter_mut().count(); // plain
    numbers.par_drain(..).count(); // plain
    heap.par_drain().count(); // plain
    (0..4).into_par_iter().count(); // plain
    (0..4).par_bridge().count(); // plain
}

/// See the module.
pub fn slices(numbers: &mut [u128]) {
    numbers.par_split(is_even).count(); // plain
    numbers.par_split_inclusive(is_even).count(); // plain
    numbers.par_windows(2).count(); // plain
    numbers.par_array_windows::<2>().count(); // plain
    numbers.par_chunks(2).count(); // plain
    numbers.par_chunks_exact(2).count(); // plain
    numbers.par_rchunks(2).count(); // plain
    numbers.par_rchunks_exact(2).count(); // plain
    numbers.par_chunk_by(u128::eq).count(); // plain
    numbers.par_split_mut(is_even).count(); // plain
    numbers.par_split_inclusive_mut(is_even).count(); // plain
    numbers.par_chunks_mut(2).count(); // plain
    numbers.par_chunks_exact_mut(2).count(); // plain
    numbers.par_rchunks_mut(2).count(); // plain
    numbers.par_rchunks_exact_mut(2).count(); // plain
    numbers.par_chunk_by_mut(u128::eq).count(); // plain
}

/// See the module.
pub fn sorts(numbers: &mut [u128]) {
    numbers.par_sort(); // plain
    numbers.par_sort_by(u128::cmp); // plain
    numbers.par_sort_by_key(|n| n % 3); // plain
    numbers.par_sort_by_cached_key(|n| n % 3); // plain
    numbers.par_sort_unstable(); // plain
    numbers.par_sort_unstable_by(u128::cmp); // plain
    numbers.par_sort_unstable_by_key(|n| n % 3); // plain
}

/// See the module.
pub fn texts(text: &str) {
    text.par_chars().count(); // plain
    text.par_char_indices().count(); // plain
    text.par_bytes().count(); // plain
    text.par_encode_utf16().count(); // plain
    text.par_split(' ').count(); // plain
    text.par_split_inclusive(' ').count(); // plain
    text.par_split_terminator(' ').count(); // plain
    text.par_lines().count(); // plain
    text.par_split_whitespace().count(); // plain
    text.par_split_ascii_whitespace().count(); // plain
    text.par_matches(' ').count(); // plain
    text.par_match_indices(' ').count(); // plain
}

/// See the module.
pub fn sources() {
    rayon::iter::empty::<u128>().count(); // plain
    rayon::iter::once(1).count(); // plain
    rayon::iter::repeat(1).count(); // plain
    rayon::iter::repeat_n(1, 2).count(); // plain
    rayon::iter::split(0, |n: u128| (n, None)).count(); // plain
    rayon::iter::walk_tree(0_u128, no_children).count(); // plain
    rayon::iter::walk_tree_prefix(0_u128, no_children).count(); // plain
    rayon::iter::walk_tree_postfix(0_u128, no_children).count(); // plain
}
