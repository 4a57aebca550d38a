//! Threads, rayon's jobs and parallel iterators are in the span of their caller.

use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};

use contextvars::rayon::prelude::*;
use contextvars::{rayon, thread};

use super::{fresh, here, here_quick, is_closed, set_up, span};

/// Has one test at a time use the global pool, whose workers run jobs of others while they wait for their own.
fn in_the_global_pool() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    set_up();
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn threads_and_jobs_are_in_the_span_of_their_spawner() {
    let _guard = in_the_global_pool();
    let (a, b) = (fresh(), fresh());
    span(a).in_scope(|| {
        assert_eq!(thread::spawn(here).join().unwrap(), [a]);
        assert_eq!(thread::scope(|scope| scope.spawn(here).join().unwrap()), [a]);
        assert_eq!(
            rayon::join(here, || span(b).in_scope(|| rayon::join(here, here))),
            (vec![a], (vec![b, a], vec![b, a]))
        );
        let all: Vec<_> = (0..100).into_par_iter().inherit_context().map(|_| here()).collect();
        assert!(all.iter().all(|seen| *seen == [a]));
        let (sender, seen) = mpsc::channel();
        rayon::scope(|scope| scope.spawn(move |_| sender.send(here()).unwrap()));
        assert_eq!(seen.recv().unwrap(), [a]);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(pool.install(here), [a]);
        assert_eq!(rayon::in_place_scope(|_| here()), [a]);
        assert_eq!(here(), [a]);
    });
    assert_eq!(here(), [0; 0]);
}

#[test]
fn a_job_that_a_waiting_worker_runs_meanwhile_is_in_its_own_span() {
    set_up();
    let (a, b) = (fresh(), fresh());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let (sender, seen) = mpsc::channel();
    pool.install(|| {
        let (of_b, of_none) = (sender.clone(), sender.clone());
        span(b).in_scope(|| rayon::spawn(move || of_b.send((b, here())).unwrap()));
        ::rayon::spawn(move || of_none.send((0, here())).unwrap());
        span(a).in_scope(|| {
            while rayon::yield_now() == Some(rayon::Yield::Executed) {}
            assert_eq!(here(), [a]);
        });
    });
    let mut seen: Vec<_> = (0..2).map(|_| seen.recv().unwrap()).collect();
    seen.sort();
    // A job that was started in no span has none of its own, and so is in the one that the worker has entered.
    assert_eq!(seen, [(0, vec![a]), (b, vec![b])]);
}

#[test]
fn closures_of_parallel_iterators_that_need_indices_are_in_the_span_of_the_caller() {
    let _guard = in_the_global_pool();
    let a = fresh();
    let numbers: Vec<u64> = (0..200).collect();
    // The caller is no worker, so all of them run on threads that know nothing of the span.
    span(a).in_scope(|| {
        let pairs = numbers.par_iter().map(|_| here()).zip(numbers.par_iter().map(|_| here()));
        let seen: Vec<_> = pairs.rev().collect();
        assert!(seen.iter().all(|pair| *pair == (vec![a], vec![a])));
        let chunks = numbers.par_iter().map(|_| here()).chunks(7).enumerate().map(|(_, all)| (all, here()));
        let seen: Vec<_> = chunks.collect();
        assert!(seen.iter().all(|(all, outside)| *outside == [a] && all.iter().all(|one| *one == [a])));
        let inspected = numbers.par_iter().enumerate().inspect(|_| assert_eq!(here(), [a])).rev();
        let seen: Vec<_> = inspected.zip(numbers.par_iter().cloned().map(|_| here())).map(|(_, seen)| seen).collect();
        assert!(seen.iter().all(|seen| *seen == [a]));
        assert_eq!(here(), [a]);
    });
    assert!(rayon::broadcast(|_| here().len()).iter().all(|length| *length == 0));
}

/// What code does that knows an iterator by rayon's trait only: it calls rayon's own adaptors.
fn seen_beside_itself<I: ::rayon::iter::IndexedParallelIterator<Item = Vec<u64>> + Clone>(
    items: I,
) -> Vec<[Vec<u64>; 3]> {
    items.clone().enumerate().map(|(_, seen)| (seen, here())).zip(items.rev()).map(|((a, b), c)| [a, b, c]).collect()
}

#[test]
fn closures_in_code_that_knows_rayons_trait_only_are_in_the_span_of_the_caller() {
    let _guard = in_the_global_pool();
    let a = fresh();
    let seen = span(a).in_scope(|| seen_beside_itself((0..200).into_par_iter().with_max_len(1).map(|_: i32| here())));
    assert!(seen.iter().all(|seen| *seen == [vec![a], vec![a], vec![a]]));
    assert!(rayon::broadcast(|_| here().len()).iter().all(|length| *length == 0));
}

/// A worker that waits within a job of one request runs jobs of others, and within those again some of the first.
#[test]
fn the_jobs_of_many_requests_in_one_pool_are_each_in_the_span_of_their_own() {
    fn halve(depth: u32, own: u64) {
        assert_eq!(here_quick(), Some(own));
        if depth > 0 {
            rayon::join(|| halve(depth - 1, own), || halve(depth - 1, own));
            let child = rayon::scope(|scope| {
                scope.spawn(move |_| assert_eq!(here_quick(), Some(own)));
                here_quick()
            });
            assert_eq!(child, Some(own));
        }
        assert_eq!(here_quick(), Some(own));
    }

    set_up();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let numbers: Vec<_> = thread::scope(|scope| {
        let requests: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let number = fresh();
                    for _ in 0..20 {
                        span(number).in_scope(|| pool.install(|| halve(5, number)));
                    }
                    number
                })
            })
            .collect();
        requests.into_iter().map(|request| request.join().unwrap()).collect()
    });
    assert!(numbers.into_iter().all(is_closed));
    assert!(pool.broadcast(|_| here().len()).iter().all(|length| *length == 0));
}
