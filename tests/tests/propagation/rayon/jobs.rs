//! Contexts in rayon's jobs: who sees what, on whatever thread, and while others wait.

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use contextvars::rayon::{self, ThreadPool, ThreadPoolBuilder};
use contextvars::{Context, context_var, copy_context, with_context};

#[context_var(default = 0)]
static REQUEST: u32;

#[context_var(default = 0, inherit = false)]
static TRANSACTION: u32;

/// What a job sees of the two variables.
fn seen() -> (u32, u32) {
    (REQUEST.get(), TRANSACTION.get())
}

/// A pool of its own for each test, so that none runs another's jobs.
fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool")
}

/// Calls `f` on a thread of the pool and within request 7, without any help of the module under test.
fn on_a_worker<R: Send>(pool: &ThreadPool, f: impl FnOnce() -> R + Send) -> R {
    let plain: &::rayon::ThreadPool = pool;
    plain.install(|| Context::new().with(&REQUEST, 7).with(&TRANSACTION, 8).run(f))
}

/// Whether no thread of the pool has anything in its base context.
fn is_clean(pool: &ThreadPool) -> bool {
    let plain: &::rayon::ThreadPool = pool;
    plain.broadcast(|_| copy_context().is_empty()).into_iter().all(|empty| empty)
}

#[test]
fn both_closures_of_join_inherit_and_keep_what_they_set_to_themselves() {
    let pool = pool(2);
    let change = |to: u32| {
        let before = seen();
        REQUEST.set(to);
        (before, REQUEST.get())
    };
    let results = on_a_worker(&pool, || {
        let results = rayon::join(|| change(1), || change(2));
        assert_eq!(seen(), (7, 8), "the caller's context is as it was");
        results
    });
    assert_eq!(results, (((7, 0), 1), ((7, 0), 2)));
    assert!(is_clean(&pool));
}

#[test]
fn a_thread_outside_of_any_pool_hands_its_context_down_too() {
    with_context!(REQUEST = 7, TRANSACTION = 8, {
        assert_eq!(rayon::join(seen, seen), ((7, 0), (7, 0)));
        assert_eq!(rayon::scope(|_| seen()), (7, 0));
        assert_eq!(rayon::in_place_scope(|_| seen()), (7, 8));
    });
}

#[test]
fn every_way_to_start_a_job_inherits_but_what_must_stay_behind() {
    let pool = pool(2);
    let (sender, receiver) = channel();
    let tell = |name: &'static str| {
        let sender = sender.clone();
        move || sender.send((name, seen())).expect("the test listens")
    };
    on_a_worker(&pool, || {
        rayon::join_context(|_| tell("join_context, left")(), |_| tell("join_context, right")());
        rayon::scope(|s| {
            tell("scope")();
            let nested = tell("scope, nested spawn");
            s.spawn(move |s| s.spawn(move |_| nested()));
            let broadcast = Mutex::new(tell("scope, spawn_broadcast"));
            s.spawn_broadcast(move |_, _| broadcast.lock().unwrap()());
        });
        rayon::scope_fifo(|s| {
            tell("scope_fifo")();
            let nested = tell("scope_fifo, nested spawn");
            s.spawn_fifo(move |s| s.spawn_fifo(move |_| nested()));
            let broadcast = Mutex::new(tell("scope_fifo, spawn_broadcast"));
            s.spawn_broadcast(move |_, _| broadcast.lock().unwrap()());
        });
        let in_place = tell("in_place_scope, spawn");
        rayon::in_place_scope(|s| s.spawn(move |_| in_place()));
        let in_place = tell("in_place_scope_fifo, spawn");
        rayon::in_place_scope_fifo(|s| s.spawn_fifo(move |_| in_place()));
        rayon::spawn(tell("spawn"));
        rayon::spawn_fifo(tell("spawn_fifo"));
        let broadcast = Mutex::new(tell("broadcast"));
        rayon::broadcast(|_| broadcast.lock().unwrap()());
        let broadcast = Mutex::new(tell("spawn_broadcast"));
        rayon::spawn_broadcast(move |_| broadcast.lock().unwrap()());
    });
    with_context!(REQUEST = 7, TRANSACTION = 8, {
        pool.install(tell("pool.install"));
        pool.join(tell("pool.join, left"), tell("pool.join, right"));
        pool.scope(|s| {
            tell("pool.scope")();
            let job = tell("pool.scope, spawn");
            s.spawn(move |_| job());
        });
        pool.scope_fifo(|s| {
            tell("pool.scope_fifo")();
            let job = tell("pool.scope_fifo, spawn");
            s.spawn_fifo(move |_| job());
        });
        let job = tell("pool.in_place_scope, spawn");
        pool.in_place_scope(|s| s.spawn(move |_| job()));
        let job = tell("pool.in_place_scope_fifo, spawn");
        pool.in_place_scope_fifo(|s| s.spawn_fifo(move |_| job()));
        pool.spawn(tell("pool.spawn"));
        pool.spawn_fifo(tell("pool.spawn_fifo"));
        let broadcast = Mutex::new(tell("pool.broadcast"));
        pool.broadcast(|_| broadcast.lock().unwrap()());
        let broadcast = Mutex::new(tell("pool.spawn_broadcast"));
        pool.spawn_broadcast(move |_| broadcast.lock().unwrap()());
    });
    drop(sender);
    // Ends when every job is done and has dropped its sender.
    let mut told: Vec<_> = receiver.iter().collect();
    for (name, seen) in &told {
        assert_eq!(*seen, (7, 0), "{name}");
    }
    let broadcasts = told.iter().filter(|(name, _)| name.contains("broadcast")).count();
    assert_eq!(broadcasts, 6 * 2, "one for each thread");
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), 27, "each once");
    assert!(is_clean(&pool));
}

#[test]
fn in_place_scope_runs_its_body_in_the_callers_own_context() {
    let pool = pool(1);
    on_a_worker(&pool, || {
        let token = REQUEST.set(1);
        rayon::in_place_scope(|s| {
            assert_eq!(seen(), (1, 8));
            REQUEST.reset(token).expect("the token's context is the current one");
            TRANSACTION.set(9);
            s.spawn(|_| assert_eq!(seen(), (7, 0)));
        });
        assert_eq!(seen(), (7, 9));
        rayon::in_place_scope_fifo(|_| REQUEST.set(2));
        assert_eq!(seen(), (2, 9));
    });
}

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
fn a_panic_leaves_the_callers_context_and_the_workers_as_they_were() {
    let pool = pool(2);
    let boom = || {
        REQUEST.set(1);
        panic::resume_unwind(Box::new("boom"))
    };
    on_a_worker(&pool, || {
        let cases: [&(dyn Fn() + Sync); 7] = [
            &|| {
                rayon::join(boom, seen);
            },
            &|| {
                rayon::join(seen, boom);
            },
            &|| rayon::scope(|s| s.spawn(|_| boom())),
            &|| rayon::scope(|_| boom()),
            &|| rayon::in_place_scope(|s| s.spawn(|_| boom())),
            &|| drop(rayon::broadcast(|_| boom())),
            &|| pool.install(boom),
        ];
        for case in cases {
            assert!(panic::catch_unwind(AssertUnwindSafe(case)).is_err());
            assert_eq!(seen(), (7, 8));
        }
        // What the body of a scope in place sets is the caller's to keep, as with any code that panics.
        assert!(panic::catch_unwind(|| rayon::in_place_scope(|_| boom())).is_err());
        assert_eq!(seen(), (1, 8));
    });
    assert!(is_clean(&pool));
}

#[test]
fn a_spawned_job_that_panics_reaches_the_panic_handler_and_leaves_nothing_behind() {
    let (tell, told) = channel();
    let pool = ThreadPoolBuilder::new()
        .num_threads(1)
        .panic_handler(move |_| tell.send(seen()).expect("the test listens"))
        .build()
        .expect("a pool");
    with_context!(REQUEST = 7, {
        pool.spawn(|| panic::resume_unwind(Box::new("boom")));
    });
    assert_eq!(told.recv(), Ok((0, 0)));
    assert!(is_clean(&pool));
}

/// Tells in its `Drop` what it sees.
struct Witness(Sender<(u32, u32)>);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.send(seen()).expect("the test listens");
    }
}

#[test]
fn what_a_job_owns_is_dropped_in_its_context() {
    let pool = pool(1);
    let (tell, told) = channel();
    with_context!(REQUEST = 7, {
        let owned = Witness(tell.clone());
        pool.spawn(move || drop(owned));
        assert_eq!(told.recv(), Ok((7, 0)));
        let owned = Witness(tell);
        pool.install(move || {
            let _not_used = &owned;
        });
    });
    assert_eq!(told.recv(), Ok((7, 0)));
}

#[test]
fn the_builder_makes_pools_that_inherit_and_passes_every_setting_on() {
    let (tell, told) = channel();
    let at_start = tell.clone();
    let pool = ThreadPoolBuilder::new()
        .num_threads(1)
        .thread_name(|index| format!("worker {index}"))
        .stack_size(1 << 20)
        .start_handler(move |_| at_start.send("start").expect("the test listens"))
        .exit_handler(move |_| tell.send("exit").expect("the test listens"))
        .build()
        .expect("a pool");
    assert_eq!(pool.current_num_threads(), 1);
    assert_eq!(pool.install(|| thread::current().name().map(str::to_owned)).as_deref(), Some("worker 0"));
    drop(pool);
    assert_eq!(told.iter().collect::<Vec<_>>(), ["start", "exit"]);

    let own = ::rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let pool = ThreadPool::from(own);
    assert_eq!(with_context!(REQUEST = 7, { pool.install(seen) }), (7, 0));
    assert_eq!(with_context!(REQUEST = 7, { pool.into_inner().install(seen) }), (0, 0));
}

#[test]
fn pools_whose_threads_somebody_else_starts_inherit_too() {
    let (tell, told) = channel();
    let start = |worker: rayon::ThreadBuilder| {
        let name = format!("{} of our own", worker.index());
        thread::Builder::new().name(name).spawn(|| worker.run()).map(drop)
    };
    let pool = ThreadPoolBuilder::new().spawn_handler(start).num_threads(1).build().expect("a pool");
    let name = || thread::current().name().map(str::to_owned);
    let seen_there = with_context!(REQUEST = 7, TRANSACTION = 8, { pool.install(|| (seen(), name())) });
    assert_eq!(seen_there, ((7, 0), Some("0 of our own".to_owned())));
    assert!(is_clean(&pool));

    let builder = ThreadPoolBuilder::new().num_threads(2).stack_size(1 << 20).thread_name(|n| format!("scoped {n}"));
    let names = with_context!(REQUEST = 7, TRANSACTION = 8, {
        builder.build_scoped(
            |worker| {
                let name = worker.name().map(str::to_owned);
                tell.send((name, copy_context().is_empty())).expect("the test listens");
                worker.run();
            },
            |pool| pool.broadcast(|_| (seen(), name())),
        )
    });
    let scoped = |n: u32| Some(format!("scoped {n}"));
    assert_eq!(names.expect("a pool"), [((7, 0), scoped(0)), ((7, 0), scoped(1))]);
    drop(tell);
    let mut told: Vec<_> = told.iter().collect();
    told.sort();
    assert_eq!(told, [(scoped(0), true), (scoped(1), true)]);

    let refused = ThreadPoolBuilder::new().spawn_handler(|_| Err(std::io::ErrorKind::Other.into())).num_threads(1);
    assert!(refused.build().is_err());
}

#[test]
fn a_scope_has_rayons_one_lifetime_and_a_pool_its_functions() {
    struct Walk<'scope> {
        seen: &'scope Mutex<Vec<(u32, u32)>>,
    }
    impl<'scope> Walk<'scope> {
        fn go(&self, scope: &rayon::Scope<'scope>, depth: u32) {
            let seen_so_far = self.seen;
            scope.spawn(move |scope| {
                seen_so_far.lock().unwrap().push(seen());
                if depth > 0 {
                    Walk { seen: seen_so_far }.go(scope, depth - 1);
                }
            });
        }
    }
    fn in_turn<'scope>(scope: &rayon::ScopeFifo<'scope>, seen_so_far: &'scope Mutex<Vec<(u32, u32)>>) {
        scope.spawn_fifo(|scope| scope.spawn_fifo(|_| seen_so_far.lock().unwrap().push(seen())));
    }
    let all_seen = Mutex::default();
    let pool = pool(2);
    with_context!(REQUEST = 7, TRANSACTION = 8, {
        pool.scope(|scope| Walk { seen: &all_seen }.go(scope, 2));
        pool.scope_fifo(|scope| in_turn(scope, &all_seen));
    });
    assert_eq!(all_seen.into_inner().unwrap(), [(7, 0); 4]);
    assert_eq!((ThreadPool::current_num_threads(&pool), ThreadPool::current_thread_index(&pool)), (2, None));
    assert_eq!(pool.install(|| ThreadPool::current_thread_has_pending_tasks(&pool)), Some(false));
    assert!(format!("{:?}", rayon::scope(|scope| format!("{scope:?}"))).contains("Scope"));
}

#[test]
fn the_building_thread_can_be_one_of_the_pool() {
    // A thread of its own: it stays in the pool.
    let inside = thread::spawn(|| {
        let builder = ThreadPoolBuilder::new().num_threads(1).use_current_thread();
        let pool = builder.build().expect("a pool");
        pool.current_thread_index()
    });
    assert_eq!(inside.join().expect("it does not panic"), Some(0));
}

#[test]
fn the_building_thread_can_be_one_of_the_pool_and_is_a_worker_from_then_on() {
    thread::spawn(|| {
        REQUEST.set(7);
        let pool = ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().expect("a pool");
        assert_eq!((REQUEST.get(), REQUEST.try_set(8).is_err()), (0, true));
        assert_eq!(pool.install(|| REQUEST.get()), 0);
    })
    .join()
    .expect("no panic");
}

#[test]
fn the_global_pool_is_built_once() {
    // Whichever test needs it first makes it, unless this one does.
    rayon::join(|| (), || ());
    assert!(ThreadPoolBuilder::new().build_global().is_err());
}

#[test]
fn pools_builders_and_scopes_show_what_rayons_do() {
    let builder = ThreadPoolBuilder::new().num_threads(1);
    assert!(format!("{builder:?}").starts_with("ThreadPoolBuilder { num_threads: 1, "));
    let pool = builder.build().expect("a pool");
    assert!(format!("{pool:?}").starts_with("ThreadPool { num_threads: 1, "));
    pool.scope(|scope| assert!(format!("{scope:?}").starts_with("Scope { ")));
    pool.scope_fifo(|scope| assert!(format!("{scope:?}").starts_with("ScopeFifo { ")));
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
