//! Contexts in rayon's jobs: who sees what, on whatever thread.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};

use contextvars::rayon::{self, ThreadPool};
use contextvars::with_context;

use super::{REQUEST, TRANSACTION, is_clean, on_a_worker, pool, seen};

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
