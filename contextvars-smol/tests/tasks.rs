//! Tasks and blocking functions of smol, of its own executors and of its pool, run in contexts of their own.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use contextvars::{Context, ContextExt, context_var, with_context};
use contextvars_smol as smol;
use smol::{Executor, LocalExecutor, Task, future};

#[context_var(default = 0)]
static REQUEST_ID: u64;
/// What must not be inherited.
#[context_var(inherit = false, default = 0)]
static TRANSACTION: u64;

/// Something of the request's that is kept as long as a context with it is.
#[context_var]
static OWNED: Arc<()>;

fn seen() -> (u64, u64) {
    (REQUEST_ID.get(), TRANSACTION.get())
}

/// In the context of a request that has a transaction open.
fn in_a_request<R>(id: u64, f: impl FnOnce() -> R) -> R {
    with_context!(REQUEST_ID = id, TRANSACTION = id, { f() })
}

/// Sends the request that is at hand where it is dropped.
struct Witness(Sender<u64>);

impl Drop for Witness {
    fn drop(&mut self) {
        // Of a test that has failed, nobody listens any more.
        let _ = self.0.send(REQUEST_ID.get());
    }
}

fn witness() -> (Witness, Receiver<u64>) {
    let (sender, receiver) = mpsc::channel();
    (Witness(sender), receiver)
}

#[test]
fn every_way_to_start_work_inherits_all_but_what_must_stay() {
    let executor = Executor::new();
    let local = LocalExecutor::new();
    let of_smol = Executor::from(::smol::Executor::new());
    let of_smol_local = LocalExecutor::from(::smol::LocalExecutor::new());
    let mut tasks: Vec<Task<_>> = Vec::new();
    in_a_request(7, || {
        tasks.push(smol::spawn(async { seen() }));
        tasks.push(smol::unblock(seen));
        tasks.push(executor.spawn(async { seen() }));
        executor.spawn_many((0..2).map(|_| async { seen() }), &mut tasks);
        tasks.push(local.spawn(async { seen() }));
        local.spawn_many((0..2).map(|_| async { seen() }), &mut tasks);
        tasks.push(of_smol.spawn(async { seen() }));
        tasks.push(of_smol_local.spawn(async { seen() }));
        assert_eq!(seen(), (7, 7));
    });
    assert_eq!(tasks.len(), 10);
    while executor.try_tick() || local.try_tick() || of_smol.try_tick() || of_smol_local.try_tick() {}
    assert!(executor.is_empty() && local.is_empty() && of_smol.is_empty() && of_smol_local.is_empty());
    for task in tasks {
        assert_eq!(smol::block_on(task), (7, 0));
    }
    assert_eq!(seen(), (0, 0));
}

#[contextvars::test]
fn what_runs_an_executor_polls_its_future_in_the_context_at_hand() {
    let executor = Executor::new();
    let local = LocalExecutor::new();
    smol::block_on(async {
        executor.run(async { REQUEST_ID.set(7) }).await;
        local.run(async { REQUEST_ID.set(REQUEST_ID.get() + 1) }).await;
        let (one, two) = (executor.spawn(async { REQUEST_ID.get() }), local.spawn(async { REQUEST_ID.get() }));
        future::zip(executor.tick(), local.tick()).await;
        assert_eq!((one.await, two.await), (8, 8));
    });
}

#[test]
fn tasks_in_step_never_see_each_others_values() {
    async fn in_step(steps: u64) -> bool {
        let start = REQUEST_ID.get();
        for step in 0..steps {
            if REQUEST_ID.get() != start + step {
                return false;
            }
            REQUEST_ID.set(start + step + 1);
            future::yield_now().await;
        }
        true
    }
    let executor = Executor::new();
    let (signal, shutdown) = smol::channel::unbounded::<()>();
    let tasks: Vec<_> = (0..200)
        .map(|request| with_context!(REQUEST_ID = request * 1_000, { executor.spawn(in_step(50)) }))
        .chain((0..50).map(|request| with_context!(REQUEST_ID = request * 1_000, { smol::spawn(in_step(50)) })))
        .collect();
    let all_as_they_should = thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| smol::block_on(executor.run(shutdown.recv())));
        }
        let mut all = true;
        for task in tasks {
            all &= smol::block_on(task);
        }
        drop(signal);
        all
    });
    assert!(all_as_they_should);
}

#[test]
fn tasks_of_one_thread_never_see_each_others_values() {
    let executor = LocalExecutor::new();
    let log = Rc::new(Cell::new(0));
    let tasks: Vec<_> = (1..=20_u64)
        .map(|request| {
            let log = Rc::clone(&log);
            with_context!(REQUEST_ID = request, {
                executor.spawn(async move {
                    REQUEST_ID.set(REQUEST_ID.get() * 10);
                    future::yield_now().await;
                    log.set(log.get() + 1);
                    REQUEST_ID.get() == request * 10
                })
            })
        })
        .collect();
    smol::block_on(executor.run(async {
        for task in tasks {
            assert!(task.await);
        }
    }));
    assert_eq!((log.get(), REQUEST_ID.get()), (20, 0));
}

#[test]
fn many_tasks_that_are_spawned_at_once_have_a_copy_each() {
    let executor = Executor::new();
    let mut tasks = Vec::new();
    let count_up = || async {
        REQUEST_ID.set(REQUEST_ID.get() + 1);
        future::yield_now().await;
        REQUEST_ID.get()
    };
    with_context!(REQUEST_ID = 7, { executor.spawn_many((0..10).map(|_| count_up()), &mut tasks) });
    while executor.try_tick() {}
    for task in tasks {
        assert_eq!(smol::block_on(task), 8);
    }
}

#[test]
fn a_task_keeps_its_context_while_a_timer_runs() {
    let at_once: fn(Duration) -> ::smol::Timer = smol::Timer::after;
    let task = with_context!(REQUEST_ID = 7, {
        smol::spawn(async move {
            REQUEST_ID.set(8);
            at_once(Duration::from_millis(1)).await;
            REQUEST_ID.get()
        })
    });
    assert_eq!(smol::block_on(task), 8);
}

#[test]
fn a_task_that_is_cancelled_or_that_its_executor_gives_up_is_dropped_in_its_context() {
    let (cancelled, seen_by_cancelled) = witness();
    let task = with_context!(REQUEST_ID = 7, {
        smol::spawn(async move {
            let _cancelled = cancelled;
            future::pending::<()>().await;
        })
    });
    assert_eq!(smol::block_on(task.cancel()), None);
    assert_eq!(seen_by_cancelled.recv(), Ok(7));

    let (never_polled, seen_by_never_polled) = witness();
    let (given_up, seen_by_given_up) = witness();
    let executor = Executor::new();
    with_context!(REQUEST_ID = 8, {
        let polled = async move {
            let _given_up = given_up;
            future::pending::<()>().await;
        };
        executor.spawn(polled).detach();
    });
    assert!(executor.try_tick());
    with_context!(REQUEST_ID = 9, { executor.spawn(async move { drop(never_polled) }).detach() });
    drop(executor);
    assert_eq!((seen_by_given_up.recv(), seen_by_never_polled.recv()), (Ok(8), Ok(9)));
}

#[test]
fn a_panic_in_a_task_is_its_awaiters_and_leaves_nothing_behind() {
    let executor = Executor::new();
    let task = with_context!(REQUEST_ID = 7, {
        executor.spawn(async {
            REQUEST_ID.set(8);
            panic!("in a task");
        })
    });
    let panicked = catch_unwind(AssertUnwindSafe(|| smol::block_on(executor.run(task))));
    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"in a task"));
    assert_eq!(REQUEST_ID.get(), 0);
    let next = with_context!(REQUEST_ID = 9, { executor.spawn(async { REQUEST_ID.get() }) });
    assert_eq!(smol::block_on(executor.run(next)), 9);

    let function = with_context!(REQUEST_ID = 7, { smol::unblock(|| std::panic::panic_any(REQUEST_ID.get())) });
    let panicked = catch_unwind(AssertUnwindSafe(|| smol::block_on(function)));
    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&7_u64));
}

#[test]
fn work_that_is_detached_from_a_request_keeps_nothing_of_it() {
    let task = with_context!(REQUEST_ID = 7, { smol::spawn(async { REQUEST_ID.get() }.in_context(Context::new())) });
    assert_eq!(smol::block_on(task), 0);
    let function = with_context!(REQUEST_ID = 7, { Context::new().run(|| smol::unblock(|| REQUEST_ID.get())) });
    assert_eq!(smol::block_on(function), 0);

    let (executor, local) = (Executor::new(), LocalExecutor::new());
    let value = Arc::new(());
    let mut tasks = Vec::new();
    with_context!(OWNED = Arc::clone(&value), {
        let detached = || future::pending::<()>().in_context(Context::new());
        tasks.extend([smol::spawn(detached()), executor.spawn(detached()), local.spawn(detached())]);
        executor.spawn_many([detached()], &mut tasks);
        local.spawn_many([detached()], &mut tasks);
    });
    assert_eq!((tasks.len(), Arc::strong_count(&value)), (5, 1));
}

#[test]
fn on_a_thread_that_is_marked_plain_tasks_cannot_set_and_those_of_the_facade_can() {
    let plain = ::smol::Executor::new();
    let executor = Executor::new();
    let tried = plain.spawn(async { REQUEST_ID.try_set(7).is_err() });
    let set = executor.spawn(async { REQUEST_ID.try_set(8).is_ok() });
    let worker = thread::scope(|scope| {
        let worker = scope.spawn(|| {
            contextvars::thread::mark_as_worker();
            (smol::block_on(plain.run(tried)), smol::block_on(executor.run(set)), REQUEST_ID.is_set())
        });
        worker.join()
    });
    assert_eq!(worker.unwrap(), (true, true, false));
}
