//! Jobs that a worker of rayon runs while it waits for others: they never see the context that waits.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

use contextvars::rayon::{self, ThreadPool};
use contextvars::with_context;

use super::{REQUEST, TRANSACTION, is_clean, on_a_worker, pool, seen};

/// How a worker can come to wait, with a job that it waits for.
type Wait = fn(&ThreadPool, first: &(dyn Fn() + Sync), second: &(dyn Fn() + Sync));

/// Has a worker of request 7 wait by `wait`, until a job that has nothing to do with it was run on that very worker.
/// Returns what such a job saw, started by rayon itself and, in request 9, by the module under test.
///
/// `wait` has to occupy all of the pool's `threads`, with both jobs under way at once.
fn seen_on_a_waiting_worker(threads: usize, wait: Wait) -> [(u32, u32); 2] {
    let pool = &pool(threads);
    let plain: &::rayon::ThreadPool = pool;
    let (begin, waits) = channel();
    let (release, released) = channel();
    let (tell, told) = channel();
    thread::scope(|threads| {
        let waiting = threads.spawn(move || {
            let (start, started) = channel();
            let (started, released) = (Mutex::new(started), Mutex::new(released));
            on_a_worker(pool, || {
                let waiter = rayon::current_thread_index();
                let first = || {
                    started.lock().unwrap().recv().expect("the other job starts");
                    begin.send(waiter).expect("the test listens");
                };
                let second = || {
                    assert_eq!(seen(), (7, 0));
                    start.send(()).expect("the first job listens");
                    released.lock().unwrap().recv().expect("the test releases it");
                };
                wait(pool, &first, &second);
                assert_eq!(seen(), (7, 8), "the waiter's context is as it was");
            });
        });
        let waiter = waits.recv().expect("both jobs run");
        // The second job goes on, and only the worker that waits for it is free to run these.
        let teller = tell.clone();
        plain.spawn(move || teller.send((rayon::current_thread_index(), seen())).expect("the test listens"));
        with_context!(REQUEST = 9, TRANSACTION = 10, {
            pool.spawn(move || tell.send((rayon::current_thread_index(), seen())).expect("the test listens"));
        });
        let seen = [(); 2].map(|()| {
            let (worker, seen) = told.recv().expect("the jobs run");
            assert_eq!(worker, waiter, "the job ran on the worker that waits");
            seen
        });
        release.send(()).expect("the second job waits");
        waiting.join().expect("the waiter does not panic");
        assert!(is_clean(pool));
        seen
    })
}

#[test]
fn a_job_never_sees_the_context_of_a_worker_that_waits_in_join() {
    let seen = seen_on_a_waiting_worker(2, |_, first, second| {
        rayon::join(first, second);
    });
    assert_eq!(seen, [(0, 0), (9, 0)]);
}

#[test]
fn a_job_never_sees_the_context_of_a_worker_that_waits_for_a_scope() {
    let seen = seen_on_a_waiting_worker(2, |_, first, second| {
        rayon::scope(|s| {
            s.spawn(|_| second());
            first();
        });
    });
    assert_eq!(seen, [(0, 0), (9, 0)]);
}

#[test]
fn a_job_never_sees_the_context_of_a_worker_that_waits_for_a_scope_in_place() {
    let seen = seen_on_a_waiting_worker(2, |_, first, second| {
        rayon::in_place_scope(|s| {
            s.spawn(|_| second());
            first();
        });
    });
    assert_eq!(seen, [(0, 0), (9, 0)]);
}

#[test]
fn a_job_never_sees_the_context_of_a_worker_that_waits_for_a_parallel_iterator() {
    use contextvars::rayon::prelude::*;

    let seen = seen_on_a_waiting_worker(2, |_, first, second| {
        [first, second].par_iter().with_max_len(1).for_each(|job| job());
    });
    assert_eq!(seen, [(0, 0), (9, 0)]);
}

#[test]
fn a_job_never_sees_the_context_of_a_worker_that_waits_for_the_whole_pool() {
    let seen = seen_on_a_waiting_worker(2, |_, first, second| {
        let waiter = rayon::current_thread_index();
        rayon::broadcast(|thread| if Some(thread.index()) == waiter { first() } else { second() });
    });
    assert_eq!(seen, [(0, 0), (9, 0)]);
}

#[test]
fn a_job_never_sees_the_context_of_a_worker_that_waits_for_another_pool() {
    let seen = seen_on_a_waiting_worker(1, |_, first, second| {
        pool(2).install(|| {
            rayon::join(first, second);
        });
    });
    assert_eq!(seen, [(0, 0), (9, 0)]);
}

#[test]
fn a_worker_that_yields_does_not_show_its_context_to_the_job_it_runs() {
    let pool = pool(1);
    let (tell, told) = channel();
    on_a_worker(&pool, move || {
        for yield_to in [rayon::yield_now, rayon::yield_local] {
            let teller = tell.clone();
            ::rayon::spawn(move || teller.send(seen()).expect("the test listens"));
            assert_eq!(yield_to(), Some(rayon::Yield::Executed));
            assert_eq!(told.try_recv(), Ok((0, 0)));
        }
        assert_eq!(seen(), (7, 8));
    });
    assert_eq!(pool.yield_now(), None);
    assert_eq!(pool.yield_local(), None);
    pool.install(|| {
        assert_eq!(pool.yield_now(), Some(rayon::Yield::Idle));
        assert_eq!(pool.yield_local(), Some(rayon::Yield::Idle));
    });
}

#[test]
fn requests_that_share_a_pool_never_see_each_others_values() {
    fn tree(request: u32, depth: u32) {
        assert_eq!(seen(), (request, 0));
        if depth > 0 {
            rayon::join(|| tree(request, depth - 1), || tree(request, depth - 1));
        }
        assert_eq!(seen(), (request, 0));
        // Contained in this job's copy.
        REQUEST.set(u32::MAX);
    }

    let pool = Arc::new(pool(3));
    thread::scope(|threads| {
        for request in 1..=8 {
            let pool = &pool;
            threads.spawn(move || {
                for _ in 0..20 {
                    with_context!(REQUEST = request, TRANSACTION = 1, {
                        pool.install(|| tree(request, 6));
                    });
                }
            });
        }
    });
    assert!(is_clean(&pool));
}
