//! Threads that run unrelated work, one piece after the other: what is set in their base contexts no such work sees.

use std::future;
use std::sync::mpsc::channel;
use std::thread;

use contextvars::{Context, ContextExt, context_var, copy_context, inherit_context, round_trip, with_context};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

use crate::support::{Census, Citizen, on_a_thread, panic_of};

#[context_var(default = 0)]
static CLIENT: u64;

#[context_var]
static NAME: String;

#[context_var]
static COUNTED: Citizen;

/// Everything that code can find out about `CLIENT`, which is as if it had never been set.
fn sees_nothing() {
    assert_eq!((CLIENT.get(), CLIENT.with(|client| *client), CLIENT.get_or(5)), (0, 0, 5));
    assert_eq!((CLIENT.try_get().unwrap(), CLIENT.try_with(|client| *client).unwrap()), (0, 0));
    assert!(!CLIENT.is_set() && NAME.try_get().is_err());
    assert!(copy_context().is_empty() && inherit_context().is_empty());
    assert_eq!(format!("{:?}", copy_context()), "{}");
    with_context!(NAME = "own".to_owned(), { assert_eq!((CLIENT.get(), copy_context().len()), (0, 1)) });
    assert_eq!(copy_context().run(|| CLIENT.get()), 0);
    assert_eq!(round_trip(|| CLIENT.get())().take_back(), 0);
    pollster::block_on(async { assert!(!CLIENT.is_set()) }.in_current_context());
    assert!(CLIENT.try_set(9).is_err());
}

fn one_threaded() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime")
}

fn multi_threaded() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).max_blocking_threads(1).build().expect("a runtime")
}

/// Sets the client at hand, starts a plain task for it, and waits for it. What it sets stays readable here.
async fn accepts_clients<F: Future>(spawn: impl Fn() -> F) {
    for client in 1..=3 {
        CLIENT.set(client);
        NAME.set(format!("client {client}"));
        spawn().await;
        assert_eq!((CLIENT.get(), copy_context()[&CLIENT], copy_context().len()), (client, client, 2));
    }
}

#[test]
fn a_plain_task_never_sees_what_the_root_future_of_a_runtime_has_set() {
    for runtime in [one_threaded(), multi_threaded()] {
        on_a_thread(move || {
            let tasks = || async { ::tokio::spawn(async { sees_nothing() }).await.expect("no panic") };
            runtime.block_on(accepts_clients(tasks));
            let functions = || async { ::tokio::task::spawn_blocking(sees_nothing).await.expect("no panic") };
            runtime.block_on(accepts_clients(functions));
            assert_eq!(CLIENT.get(), 3);
        });
    }
}

#[test]
fn a_plain_local_task_never_sees_what_a_local_set_s_root_future_has_set() {
    on_a_thread(|| {
        let tasks = || async { ::tokio::task::spawn_local(async { sees_nothing() }).await.expect("no panic") };
        LocalSet::new().block_on(&one_threaded(), accepts_clients(tasks));
        one_threaded().block_on(LocalSet::new().run_until(accepts_clients(tasks)));
    });
}

#[test]
fn a_plain_task_never_sees_what_main_has_set_before_its_runtime_was_there() {
    on_a_thread(|| {
        CLIENT.set(7);
        NAME.set("main".to_owned());
        let runtime = one_threaded();
        runtime.block_on(async { ::tokio::spawn(async { sees_nothing() }).await.expect("no panic") });
        assert_eq!((CLIENT.get(), NAME.get()), (7, "main".to_owned()));
        let token = CLIENT.set(8);
        CLIENT.reset(token).unwrap();
        assert_eq!(CLIENT.get(), 7);
    });
}

#[test]
fn a_task_that_inherits_from_a_root_future_has_its_values() {
    on_a_thread(|| {
        CLIENT.set(7);
        one_threaded().block_on(async {
            CLIENT.set(8);
            let child = contextvars::tokio::spawn(async { CLIENT.set(CLIENT.get() + 1).old_value().copied() });
            assert_eq!(child.await.unwrap(), Some(8));
            assert_eq!(CLIENT.get(), 8);
            with_context!(NAME = "scope".to_owned(), async {
                assert_eq!((CLIENT.get(), NAME.get()), (8, "scope".to_owned()));
            })
            .await;
        });
    });
}

#[test]
fn a_reader_of_a_base_context_keeps_its_value_whatever_is_set_meanwhile() {
    let census = Census::new();
    let alive = census.clone();
    on_a_thread(move || {
        COUNTED.set(census.citizen());
        COUNTED.with(|_| {
            drop(COUNTED.set(census.citizen()));
            Context::new().run(|| drop(COUNTED.set(census.citizen())));
            with_context!(COUNTED = census.citizen(), { COUNTED.with(|_| assert_eq!(census.alive(), 3)) });
            assert_eq!(census.alive(), 2);
        });
        assert_eq!(census.alive(), 1);
    });
    assert_eq!(alive.alive(), 0);
}

type Job = Box<dyn FnOnce() + Send>;

/// Runs jobs of two requests on one worker: what the first one sets the second does not see.
fn keeps_jobs_apart(run: impl Fn(Job)) {
    let (report, reports) = channel();
    for request in 1..=2 {
        let report = report.clone();
        with_context!(CLIENT = request, {
            run(Box::new(move || {
                sees_nothing();
                report.send(CLIENT.try_set(request).is_err()).expect("the test listens");
            }));
        });
        assert_eq!(reports.recv(), Ok(true), "the set of request {request} is refused");
    }
    // A job with a context sees its request, and leaves nothing.
    for request in 3..=4 {
        let report = report.clone();
        let job = with_context!(CLIENT = request, {
            inherit_context().wrap_once(move || {
                let seen = CLIENT.get();
                CLIENT.set(99);
                report.send(seen == request).expect("the test listens");
            })
        });
        run(Box::new(job));
        assert_eq!(reports.recv(), Ok(true), "request {request} sees itself");
    }
}

#[test]
fn jobs_of_rayon_are_told_apart_from_their_worker() {
    let pool = ::rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    keeps_jobs_apart(|job| pool.spawn(job));
    keeps_jobs_apart(|job| pool.install(job));
    keeps_jobs_apart(|job| pool.install(|| ::rayon::join(job, || ()).0));
    keeps_jobs_apart(|job| pool.scope(|scope| scope.spawn(|_| job())));
    let message = pool.install(|| panic_of(|| CLIENT.set(1))).message;
    assert!(message.contains("`CLIENT`"), "{message}");
}

#[test]
fn jobs_of_a_pool_whose_threads_are_marked_are_told_apart_from_their_worker() {
    let pool = threadpool::ThreadPool::new(1);
    pool.execute(contextvars::thread::mark_as_worker);
    keeps_jobs_apart(|job| pool.execute(job));
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .on_thread_start(contextvars::thread::mark_as_worker)
        .build()
        .expect("a runtime");
    keeps_jobs_apart(|job| drop(runtime.spawn(async { job() })));
}

#[test]
fn tasks_of_an_executor_whose_threads_are_marked_are_told_apart_from_their_worker() {
    let executor: &'static async_executor::Executor<'static> = Box::leak(Box::default());
    thread::spawn(|| {
        contextvars::thread::mark_as_worker();
        pollster::block_on(executor.run(future::pending::<()>()));
    });
    keeps_jobs_apart(|job| executor.spawn(async { job() }).detach());
}

#[test]
fn a_thread_that_a_pool_starts_in_a_request_knows_nothing_of_it() {
    with_context!(CLIENT = 7, {
        let seen = pollster::block_on(blocking::unblock(|| (CLIENT.get(), CLIENT.is_set())));
        assert_eq!(seen, (0, false));
    });
}

#[test]
fn a_value_set_on_a_thread_before_it_was_marked_is_not_seen_and_is_freed() {
    let census = Census::new();
    let alive = census.clone();
    on_a_thread(move || {
        CLIENT.set(7);
        COUNTED.set(census.citizen());
        contextvars::thread::mark_as_worker();
        sees_nothing();
        assert!(!COUNTED.is_set());
        assert_eq!(census.alive(), 1);
    });
    assert_eq!(alive.alive(), 0);
}

#[test]
fn a_scope_sees_its_base_context_also_after_one_in_a_plain_task_on_the_same_thread() {
    on_a_thread(|| {
        CLIENT.set(7);
        let seen = || with_context!(NAME = "own".to_owned(), { CLIENT.get() });
        assert_eq!(seen(), 7);
        let task = LocalSet::new();
        let of_task = task.run_until(async { ::tokio::task::spawn_local(async move { seen() }).await });
        assert_eq!(one_threaded().block_on(of_task).expect("no panic"), 0);
        assert_eq!(seen(), 7);
    });
}

#[test]
fn other_threads_are_no_workers() {
    let (tell, told) = channel();
    on_a_thread(move || {
        contextvars::thread::mark_as_worker();
        on_a_thread(move || tell.send(CLIENT.try_set(1).is_ok()).expect("the test listens"));
    });
    assert_eq!(told.recv(), Ok(true));
}

#[test]
fn an_executor_that_is_polled_within_a_context_shows_it_to_its_plain_tasks() {
    let plain = || async { ::tokio::spawn(async { CLIENT.get() }).await.expect("no panic") };
    let on_a_thread_that_inherits = with_context!(CLIENT = 5, {
        contextvars::thread::spawn(move || one_threaded().block_on(plain())).join().expect("no panic")
    });
    let local = one_threaded().block_on(with_context!(CLIENT = 6, async {
        let plain = async { ::tokio::task::spawn_local(async { CLIENT.get() }).await.expect("no panic") };
        LocalSet::new().run_until(plain).await
    }));
    // Out of reach of this crate; the guide to pitfalls says so, and what to write:
    assert_eq!((on_a_thread_that_inherits, local), (5, 6));
    let apart = with_context!(CLIENT = 7, {
        let work = async move { (CLIENT.get(), plain().await) }.in_context(inherit_context());
        Context::new().run(|| one_threaded().block_on(work))
    });
    assert_eq!(apart, (7, 0));
}
