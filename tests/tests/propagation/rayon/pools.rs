//! Pools of rayon: how they are built, who starts their threads, and what they show.

use std::panic::{self};
use std::sync::mpsc::channel;
use std::thread;

use contextvars::rayon::{self, ThreadPool, ThreadPoolBuilder};
use contextvars::{copy_context, with_context};

use super::{REQUEST, TRANSACTION, is_clean, seen};

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
fn pools_whose_threads_the_program_starts_itself_inherit_too() {
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
