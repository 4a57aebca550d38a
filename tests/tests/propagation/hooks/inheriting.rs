//! A plain task inherits, keeps its context from poll to poll, and shares it with no other.

use std::collections::HashSet;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::thread;

use contextvars::tokio::{InheritContexts, Inheritance};
use contextvars::{ContextExt, copy_context};
use tokio::runtime::{Builder, Handle, LocalOptions};
use tokio::sync::{Barrier, oneshot};

use super::{COUNT, REQUEST_ID, TRANSACTION, request, runtime_of, single_threaded};

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
        let task = tracker.spawn(async { REQUEST_ID.get() });
        let mut set = tokio::task::JoinSet::new();
        set.spawn(async { REQUEST_ID.get() });
        (task.await.unwrap(), set.join_all().await)
    };
    assert_eq!(runtime.block_on(spawns.in_context(request(7))), (7, vec![7]));
}

#[test]
fn every_kind_of_runtime_inherits() {
    let spawn = async || tokio::spawn(async { REQUEST_ID.get() }).await.unwrap();
    let single = Builder::new_current_thread().inherit_contexts().build().unwrap();
    assert_eq!(single.block_on(spawn().in_context(request(7))), 7);
    assert_eq!(runtime_of(1).block_on(spawn().in_context(request(7))), 7);
    let local = Builder::new_current_thread().inherit_contexts().build_local(LocalOptions::default()).unwrap();
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
    let waking = thread::spawn(move || to_wake.iter().for_each(std::task::Waker::wake));
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
fn a_task_that_blocks_in_place_keeps_its_context_while_others_run() {
    let runtime = runtime_of(2);
    let blocking = |id| async move {
        COUNT.set(id);
        for _ in 0..10 {
            // This thread stops being a worker; another one takes over its tasks.
            let child =
                || Handle::current().block_on(async { tokio::spawn(async { REQUEST_ID.get() }).await.unwrap() });
            assert_eq!(tokio::task::block_in_place(child), id);
            assert_eq!((REQUEST_ID.get(), COUNT.get()), (id, id));
            tokio::task::yield_now().await;
            assert_eq!((REQUEST_ID.get(), COUNT.get()), (id, id));
        }
    };
    let tasks: Vec<_> = (1..=20).map(|id| request(id).run(|| runtime.spawn(blocking(id)))).collect();
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
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
}

#[test]
fn a_panic_in_the_main_future_passes_through() {
    let runtime = single_threaded(Inheritance::new());
    let main = async { panic!("main") };
    let panicked = catch_unwind(AssertUnwindSafe(|| runtime.block_on(main.in_context(request(7)))));
    assert!(panicked.is_err());
    assert!(copy_context().is_empty());
    // The runtime goes on.
    assert_eq!(runtime.block_on(async { tokio::spawn(async { 1 }).await.unwrap() }), 1);
}
