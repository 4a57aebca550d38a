//! Plain `tokio::spawn` inherits on a runtime with task hooks; run it with `ci/tokio-unstable.sh`.

#![cfg(tokio_unstable)]

mod support;

use std::collections::HashSet;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::thread;

use contextvars::tokio::{InheritContexts, Inheritance};
use contextvars::{Context, ContextExt, context_var, copy_context, with_context};
use support::{Census, Citizen};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Barrier, oneshot};
use tower::{Service, ServiceExt};

#[context_var(default = 0)]
static REQUEST_ID: u64;

#[context_var(default = 0)]
static COUNT: u64;

#[context_var(inherit = false)]
static TRANSACTION: u64;

#[context_var]
static CITIZEN: Citizen;

fn runtime_of(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).enable_all().inherit_contexts().build().unwrap()
}

fn single_threaded(inheritance: Inheritance) -> Runtime {
    Builder::new_current_thread().enable_all().inherit_contexts_by(inheritance).build().unwrap()
}

fn request(id: u64) -> Context {
    Context::new().with(&REQUEST_ID, id).with(&TRANSACTION, id)
}

/// Tells in which context it is dropped.
struct NotesRequest(mpsc::Sender<u64>);

impl Drop for NotesRequest {
    fn drop(&mut self) {
        // The receiver may be gone.
        let _ = self.0.send(REQUEST_ID.get());
    }
}

#[test]
fn a_plain_spawn_inherits_all_but_what_must_stay() {
    let runtime = runtime_of(2);
    let seen = async || {
        tokio::task::yield_now().await;
        (REQUEST_ID.get(), TRANSACTION.try_get().is_ok())
    };
    let task = request(7).run(|| runtime.spawn(seen()));
    assert_eq!(runtime.block_on(task).unwrap(), (7, false));
    let within = async { tokio::spawn(seen()).await.unwrap() };
    assert_eq!(runtime.block_on(within.in_context(request(8))), (8, false));
    let handle = runtime.handle().clone();
    let task = request(9).run(|| handle.spawn(seen()));
    assert_eq!(runtime.block_on(task).unwrap(), (9, false));
}

#[test]
fn spawns_in_other_crates_inherit() {
    let runtime = runtime_of(2);
    let spawns = async {
        let tracker = tokio_util::task::TaskTracker::new();
        let tracked = tracker.spawn(async { REQUEST_ID.get() });
        let mut set = tokio::task::JoinSet::new();
        set.spawn(async { REQUEST_ID.get() });
        (tracked.await.unwrap(), set.join_all().await)
    };
    assert_eq!(runtime.block_on(spawns.in_context(request(7))), (7, vec![7]));
}

#[test]
fn every_kind_of_runtime_inherits() {
    let spawn = async || tokio::spawn(async { REQUEST_ID.get() }).await.unwrap();
    let single = Builder::new_current_thread().inherit_contexts().build().unwrap();
    assert_eq!(single.block_on(spawn().in_context(request(7))), 7);
    assert_eq!(runtime_of(1).block_on(spawn().in_context(request(7))), 7);
    let local = Builder::new_current_thread().inherit_contexts().build_local(Default::default()).unwrap();
    let spawn_local = async || tokio::task::spawn_local(async { REQUEST_ID.get() }).await.unwrap();
    assert_eq!(local.block_on(async { (spawn().await, spawn_local().await) }.in_context(request(7))), (7, 7));
}

#[test]
fn what_a_task_sets_is_there_at_its_next_poll_and_nowhere_else() {
    let runtime = runtime_of(2);
    let task = async || {
        let token = COUNT.set(1);
        for expected in 1..100 {
            tokio::task::yield_now().await;
            assert_eq!(COUNT.get(), expected);
            COUNT.set(expected + 1);
        }
        // The token is of this very context, on whatever thread it is by now.
        COUNT.reset(token).unwrap();
        assert!(!COUNT.is_set());
        COUNT.set(5);
    };
    let (one, other) = (runtime.spawn(task()), runtime.spawn(task()));
    runtime.block_on(async {
        one.await.unwrap();
        other.await.unwrap();
        assert!(tokio::spawn(async { copy_context().is_empty() }).await.unwrap());
    });
    assert!(!COUNT.is_set());
}

#[test]
fn children_inherit_what_their_parents_set() {
    let child = async {
        REQUEST_ID.set(REQUEST_ID.get() + 1);
        tokio::spawn(async { REQUEST_ID.get() }).await.unwrap()
    };
    assert_eq!(runtime_of(2).block_on(async { tokio::spawn(child).await.unwrap() }.in_context(request(7))), 8);
}

#[test]
fn tasks_in_step_on_many_workers_never_see_each_others_values() {
    const TASKS: u64 = 200;
    let in_step = Arc::new(Barrier::new(usize::try_from(TASKS).unwrap()));
    let runtime = runtime_of(4);
    let tasks: Vec<_> = (0..TASKS)
        .map(|id| {
            let in_step = in_step.clone();
            let task = async move {
                for round in 0..20 {
                    in_step.wait().await;
                    assert_eq!((REQUEST_ID.get(), COUNT.get()), (id, round));
                    COUNT.set(round + 1);
                }
            };
            request(id).run(|| runtime.spawn(task))
        })
        .collect();
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
}

#[test]
fn a_task_takes_its_context_along_to_another_worker() {
    let runtime = runtime_of(2);
    // Wakes the task from outside of the runtime, so that either worker may take it.
    let (from_outside, to_wake) = mpsc::channel::<oneshot::Sender<()>>();
    let waking = thread::spawn(move || to_wake.iter().for_each(|task| task.send(()).unwrap()));
    let migrates = async move {
        let home = thread::current().id();
        while thread::current().id() == home {
            // Another task keeps one of the two workers busy until this one goes on, on the other.
            let (busy, is_busy) = oneshot::channel();
            let (done, is_done) = mpsc::channel::<()>();
            let from_outside = from_outside.clone();
            let blocker = tokio::spawn(async move {
                from_outside.send(busy).unwrap();
                is_done.recv()
            });
            is_busy.await.unwrap();
            COUNT.set(COUNT.get() + 1);
            assert_eq!(REQUEST_ID.get(), 7);
            done.send(()).unwrap();
            blocker.await.unwrap().unwrap();
        }
        (REQUEST_ID.get(), COUNT.get())
    };
    let task = request(7).run(|| runtime.spawn(migrates));
    let (id, attempts) = runtime.block_on(task).unwrap();
    assert_eq!(id, 7);
    assert!(attempts > 0);
    waking.join().unwrap();
}

#[test]
fn a_task_woken_while_it_is_polled_finds_its_context_wherever_it_goes_on() {
    const TASKS: u64 = 8;
    const POLLS: u64 = 3000;
    let runtime = runtime_of(4);
    // Each poll wakes the task from another thread at once: the next poll may begin on another worker before tokio has
    // told that this one is over.
    let (wakers, to_wake) = mpsc::channel::<std::task::Waker>();
    let waking = thread::spawn(move || to_wake.iter().for_each(|waker| waker.wake()));
    let counting = |wakers: mpsc::Sender<std::task::Waker>| {
        let mut polls = 0;
        poll_fn(move |cx| {
            assert_eq!(COUNT.get(), polls);
            polls += 1;
            COUNT.set(polls);
            if polls == POLLS {
                return Poll::Ready(REQUEST_ID.get());
            }
            wakers.send(cx.waker().clone()).unwrap();
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    };
    let tasks: Vec<_> = (0..TASKS)
        .map(|id| {
            let counting = counting(wakers.clone());
            request(id).run(|| runtime.spawn(counting))
        })
        .collect();
    for (id, task) in tasks.into_iter().enumerate() {
        assert_eq!(runtime.block_on(task).unwrap(), id as u64);
    }
    drop(wakers);
    waking.join().unwrap();
}

#[test]
fn an_aborted_task_is_dropped_in_its_context() {
    let runtime = runtime_of(2);
    let (send, receive) = mpsc::channel();
    let notes = NotesRequest(send);
    let (started, wait) = oneshot::channel();
    let census = Census::new();
    let task = with_context!(REQUEST_ID = 7, CITIZEN = census.citizen(), {
        runtime.spawn(async move {
            let _notes = notes;
            started.send(()).unwrap();
            std::future::pending::<()>().await;
        })
    });
    runtime.block_on(wait).unwrap();
    assert_eq!(census.alive(), 1);
    task.abort();
    assert!(runtime.block_on(task).unwrap_err().is_cancelled());
    assert_eq!(receive.recv(), Ok(7));
    drop(runtime);
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_task_that_panics_leaves_nothing_behind() {
    let runtime = runtime_of(1);
    let census = Census::new();
    let task = with_context!(CITIZEN = census.citizen(), {
        runtime.spawn(async {
            COUNT.set(1);
            panic!("as it should");
        })
    });
    assert!(runtime.block_on(task).unwrap_err().is_panic());
    let next = runtime.spawn(async { copy_context().is_empty() });
    assert!(runtime.block_on(next).unwrap());
    drop(runtime);
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_task_that_has_ended_frees_its_context_while_its_handle_lives() {
    let runtime = runtime_of(2);
    let census = Census::new();
    let handles: Vec<_> = (0..100)
        .map(|_| with_context!(CITIZEN = census.citizen(), { runtime.spawn(async { tokio::task::yield_now().await }) }))
        .collect();
    // Every context is freed by the task's last hook, which is over when a worker takes the next task or stops.
    while handles.iter().any(|handle| !handle.is_finished()) {
        thread::yield_now();
    }
    runtime.shutdown_timeout(std::time::Duration::MAX);
    assert_eq!(census.alive(), 0);
    drop(handles);
}

#[test]
fn tasks_that_a_shutdown_ends_free_their_contexts() {
    let runtime = runtime_of(2);
    let census = Census::new();
    let in_step = Arc::new(Barrier::new(11));
    let (send, receive) = mpsc::channel();
    for _ in 0..10 {
        let (in_step, notes) = (in_step.clone(), NotesRequest(send.clone()));
        with_context!(REQUEST_ID = 7, CITIZEN = census.citizen(), {
            runtime.spawn(async move {
                let _notes = notes;
                in_step.wait().await;
                std::future::pending::<()>().await;
            })
        });
    }
    runtime.block_on(in_step.wait());
    assert_eq!(census.alive(), 10);
    drop(runtime);
    assert_eq!(census.alive(), 0);
    // What hooks cannot reach: a shutdown drops futures without their contexts, or just after their last poll with them.
    drop(send);
    assert_eq!(receive.iter().filter(|&id| id == 0 || id == 7).count(), 10);
}

#[test]
fn a_task_spawned_on_a_runtime_that_has_shut_down_leaves_nothing_behind() {
    let census = Census::new();
    let runtime = runtime_of(1);
    let handle = runtime.handle().clone();
    drop(runtime);
    for _ in 0..3 {
        let task = with_context!(CITIZEN = census.citizen(), { handle.spawn(async {}) });
        assert!(pollster::block_on(task).unwrap_err().is_cancelled());
    }
    // The handle still has the hooks and what they keep.
    assert_eq!(census.alive(), 0);
    drop(handle);
}

#[test]
fn the_workers_own_contexts_stay_empty() {
    let (send, receive) = mpsc::channel();
    let runtime = Builder::new_multi_thread()
        .worker_threads(3)
        .on_thread_stop(move || send.send(copy_context().is_empty()).unwrap())
        .inherit_contexts()
        .build()
        .unwrap();
    let tasks: Vec<_> = (0..300)
        .map(|n| {
            runtime.spawn(async move {
                COUNT.set(n);
                tokio::task::yield_now().await;
                assert_eq!(COUNT.get(), n);
                assert!(n % 3 != 0, "a panic once in a while");
            })
        })
        .collect();
    for (n, task) in tasks.into_iter().enumerate() {
        assert_eq!(runtime.block_on(task).is_err(), n % 3 == 0);
    }
    drop(runtime);
    let workers: Vec<bool> = receive.iter().collect();
    assert!(workers.len() >= 3);
    assert!(workers.iter().all(|is_empty| *is_empty));
}

struct SetsOnDrop;

impl Drop for SetsOnDrop {
    fn drop(&mut self) {
        COUNT.set(9);
    }
}

#[context_var]
static SETS: Arc<SetsOnDrop>;

#[test]
fn what_a_values_destructor_sets_when_its_task_ends_is_seen_by_nobody() {
    let runtime = single_threaded(Inheritance::new());
    runtime.block_on(async {
        let setter = tokio::spawn(async { drop(SETS.set(Arc::new(SetsOnDrop))) });
        setter.await.unwrap();
        tokio::task::yield_now().await;
        assert!(!COUNT.is_set());
        assert!(tokio::spawn(async { copy_context().is_empty() }).await.unwrap());
    });
    assert!(!COUNT.is_set());
}

#[test]
fn a_task_that_blocks_on_another_runtime_finds_its_context_again() {
    let (outer, inner) = (runtime_of(2), single_threaded(Inheritance::new()));
    let task = async move {
        REQUEST_ID.set(REQUEST_ID.get() + 1);
        let nested = tokio::task::block_in_place(|| {
            inner.block_on(async {
                let nested = async {
                    REQUEST_ID.set(REQUEST_ID.get() + 1);
                    tokio::task::yield_now().await;
                    REQUEST_ID.get()
                };
                tokio::spawn(nested).await.unwrap()
            })
        });
        // A runtime must not be dropped where it could block.
        inner.shutdown_background();
        (nested, REQUEST_ID.get())
    };
    let task = request(7).run(|| outer.spawn(task));
    assert_eq!(outer.block_on(task).unwrap(), (9, 8));
}

#[test]
fn a_blocking_function_is_out_of_reach_and_may_not_set() {
    let spawns = async {
        let plain = tokio::task::spawn_blocking(|| (REQUEST_ID.get(), COUNT.try_set(1).is_err())).await.unwrap();
        let inheriting = contextvars::tokio::task::spawn_blocking(|| REQUEST_ID.get()).await.unwrap();
        (plain, inheriting)
    };
    assert_eq!(runtime_of(1).block_on(spawns.in_context(request(7))), ((0, true), 7));
}

#[test]
fn a_local_set_is_out_of_reach_and_shares_the_context_of_who_polls_it() {
    let runtime = single_threaded(Inheritance::new());
    let local = tokio::task::LocalSet::new();
    let task = request(7).run(|| local.spawn_local(async { REQUEST_ID.get() }));
    runtime.block_on(local.in_context(request(8)));
    assert_eq!(runtime.block_on(task).unwrap(), 8);
}

/// A service that spawns as connection pools do: within tower's buffer and through hyper-util's executor.
async fn spawned_by_pools() -> (u64, u64) {
    let (send, executed) = oneshot::channel();
    let task = async move { send.send(REQUEST_ID.get()).unwrap() };
    hyper::rt::Executor::execute(&hyper_util::rt::TokioExecutor::new(), task);
    let service = tower::service_fn(|()| std::future::ready(Ok::<_, std::convert::Infallible>(REQUEST_ID.get())));
    let mut buffer = tower::buffer::Buffer::new(service, 1);
    let called = buffer.ready().await.unwrap().call(()).await.unwrap();
    (executed.await.unwrap(), called)
}

#[test]
fn what_connection_pools_spawn_does_not_inherit() {
    assert_eq!(runtime_of(1).block_on(spawned_by_pools().in_context(request(7))), (0, 0));
}

#[test]
fn what_connection_pools_spawn_inherits_if_nothing_is_excepted() {
    let runtime = single_threaded(Inheritance::of_all());
    assert_eq!(runtime.block_on(spawned_by_pools().in_context(request(7))), (7, 7));
}

#[test]
fn a_module_can_be_excepted_by_name() {
    let runtime = single_threaded(Inheritance::of_all().except("tower::buffer"));
    assert_eq!(runtime.block_on(spawned_by_pools().in_context(request(7))), (7, 0));
}

#[test]
fn a_place_can_be_excepted_by_a_function() {
    let except = Inheritance::new().except_where(|place| place.file() == file!() && place.line() % 2 == line!() % 2);
    assert_eq!(format!("{except:?}"), r#"Inheritance of all but [hyper_util, tower::buffer, "a function"]"#);
    let runtime = single_threaded(except);
    let spawns = async {
        let one = tokio::spawn(async { REQUEST_ID.get() });
        let other = tokio::spawn(async { REQUEST_ID.get() });
        one.await.unwrap() + other.await.unwrap()
    };
    assert_eq!(runtime.block_on(spawns.in_context(request(7))), 7);
}

#[test]
fn a_task_that_does_not_inherit_has_a_context_of_its_own() {
    let runtime = single_threaded(Inheritance::new().except_where(|_| true));
    let spawns = async {
        let task = async {
            assert!(copy_context().is_empty());
            COUNT.set(1);
            tokio::task::yield_now().await;
            COUNT.get()
        };
        (tokio::spawn(task).await.unwrap(), COUNT.is_set())
    };
    assert_eq!(runtime.block_on(spawns.in_context(request(7))), (1, false));
}

#[test]
fn hooks_of_ones_own_run_besides_in_the_context_of_the_task() {
    type Log = Arc<Mutex<Vec<(&'static str, u64)>>>;
    let log = Log::default();
    let note = |word: &'static str| {
        let log = log.clone();
        move |_: &tokio::runtime::TaskMeta<'_>| log.lock().unwrap().push((word, REQUEST_ID.get()))
    };
    let inheritance = Inheritance::new()
        .on_task_spawn(note("spawn"))
        .on_before_task_poll(note("before"))
        .on_after_task_poll(note("after"))
        .on_task_terminate(note("terminate"));
    let runtime = single_threaded(inheritance);
    runtime.block_on(
        async {
            let task = async { drop(REQUEST_ID.set(8)) };
            tokio::spawn(task).await.unwrap();
        }
        .in_context(request(7)),
    );
    drop(runtime);
    let expected = [("spawn", 7), ("before", 7), ("terminate", 8), ("after", 8)];
    assert_eq!(*log.lock().unwrap(), expected);
}

#[test]
fn to_install_the_hooks_twice_is_to_install_the_later_ones() {
    let runtime = Builder::new_current_thread()
        .inherit_contexts_by(Inheritance::new().except_where(|_| true))
        .inherit_contexts()
        .build()
        .unwrap();
    assert_eq!(
        runtime.block_on(async { tokio::spawn(async { REQUEST_ID.get() }).await }.in_context(request(7))).unwrap(),
        7
    );
}

#[test]
fn a_hook_that_was_replaced_is_named() {
    type Replace = fn(&mut Builder) -> &mut Builder;
    let replaced: [(&str, Replace); 3] = [
        ("on_task_spawn", |builder| builder.on_task_spawn(|_| {})),
        ("on_before_task_poll", |builder| builder.on_before_task_poll(|_| {})),
        ("on_after_task_poll", |builder| builder.on_after_task_poll(|_| {})),
    ];
    for (hook, replace) in replaced {
        let runtime = replace(Builder::new_current_thread().inherit_contexts()).build().unwrap();
        let panicked = support::panic_of(|| {
            runtime.block_on(async {
                let first = tokio::spawn(async { COUNT.set(1) });
                let second = tokio::spawn(async { COUNT.get() });
                (first.await.is_ok(), second.await.is_ok())
            })
        });
        assert!(
            panicked.message.contains(&format!("the hook `{hook}` that carries contexts was replaced")),
            "{panicked:?}"
        );
        // Nothing of the tasks is left on this thread.
        assert!(!COUNT.is_set());
    }
}

#[test]
fn threads_of_two_runtimes_do_not_mix_up_their_tasks() {
    let (one, other) = (runtime_of(2), runtime_of(2));
    let ids: HashSet<u64> = (0..50)
        .map(|id| {
            let (from, to) = if id % 2 == 0 { (&one, &other) } else { (&other, &one) };
            let to = to.handle().clone();
            let task = async move { to.spawn(async { REQUEST_ID.get() }).await.unwrap() };
            let task = request(id).run(|| from.spawn(task));
            from.block_on(task).unwrap()
        })
        .collect();
    assert_eq!(ids, (0..50).collect());
}

#[test]
fn a_wrapped_task_keeps_the_context_that_it_was_wrapped_in() {
    let wrapped = async {
        COUNT.set(COUNT.get() + 1);
        tokio::task::yield_now().await;
        (REQUEST_ID.get(), COUNT.get())
    };
    let spawns = async { tokio::spawn(wrapped.in_context(request(8))).await.unwrap() };
    assert_eq!(runtime_of(1).block_on(spawns.in_context(request(7))), (8, 1));
    let caught =
        catch_unwind(AssertUnwindSafe(|| single_threaded(Inheritance::new()).block_on(async { panic!("main") })));
    assert!(caught.is_err());
}
