//! A function runs on another thread in the context of here, and what it changed comes back.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;

use contextvars::tokio::runtime::Builder;
use contextvars::tokio::task::run_blocking;
use contextvars::{Context, ContextExt, context_var, copy_context, inherit_context, round_trip, tokio, with_context};
use tokio::sync::oneshot;

use crate::support;
use crate::support::{Census, Citizen, on_a_thread};

#[context_var(default = 0)]
static COUNT: u64;

#[context_var]
static USER: String;

#[context_var(inherit = false)]
static TRANSACTION: u64;

#[context_var]
static CITIZEN: Citizen;

/// Runs a function on another thread, from start to end.
fn elsewhere<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    thread::spawn(f).join().unwrap()
}

fn isolated<R>(f: impl FnOnce() -> R) -> R {
    Context::new().run(f)
}

/// Runs a future as a task of its own, with an empty context.
fn as_task<F>(future: F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    let runtime = Builder::new_multi_thread().worker_threads(2).max_blocking_threads(1).enable_all().build().unwrap();
    let task = runtime.spawn(future.in_context(Context::new()));
    match runtime.block_on(task) {
        Ok(output) => output,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

#[test]
fn the_function_sees_every_variable_those_not_inherited_too() {
    isolated(|| {
        COUNT.set(1);
        TRANSACTION.set(2);
        let before = copy_context();
        assert_eq!(elsewhere(round_trip(copy_context)).take_back(), before);
    });
}

#[test]
fn changes_come_back_when_they_are_taken_back_and_not_before() {
    isolated(|| {
        COUNT.set(1);
        let returned = elsewhere(round_trip(|| {
            COUNT.set(2);
            USER.set("ada".to_owned());
            TRANSACTION.set(3);
        }));
        assert_eq!(copy_context(), Context::new().with(&COUNT, 1));
        returned.take_back();
        let expected = Context::new().with(&COUNT, 2).with(&USER, "ada".to_owned()).with(&TRANSACTION, 3);
        assert_eq!(copy_context(), expected);
        // What came back is as private as what was set here.
        assert!(!inherit_context().contains(&TRANSACTION));
    });
}

#[test]
fn what_must_stay_behind_does_so_after_a_round_trip_too_though_nothing_else_came_back() {
    isolated(|| {
        elsewhere(round_trip(|| TRANSACTION.set(3))).take_back();
        assert_eq!((TRANSACTION.get(), inherit_context().len()), (3, 0));
    });
}

#[test]
fn a_token_made_here_is_good_there() {
    isolated(|| {
        COUNT.set(1);
        let token = COUNT.set(2);
        elsewhere(round_trip(move || COUNT.reset(token))).take_back().unwrap();
        assert_eq!(COUNT.get(), 1);
        let token = USER.set("ada".to_owned());
        elsewhere(round_trip(move || USER.reset(token))).take_back().unwrap();
        assert!(!USER.is_set());
    });
}

#[test]
fn a_token_made_there_is_good_here_once_the_changes_are() {
    isolated(|| {
        COUNT.set(1);
        let token = elsewhere(round_trip(|| COUNT.set(2))).take_back();
        assert_eq!(COUNT.get(), 2);
        COUNT.reset(token).unwrap();
        assert_eq!(COUNT.get(), 1);
    });
}

#[test]
fn what_was_set_here_meanwhile_stays_unless_it_was_set_there_too() {
    isolated(|| {
        let work = round_trip(|| COUNT.set(2));
        COUNT.set(3);
        USER.set("ada".to_owned());
        elsewhere(work).take_back();
        assert_eq!((COUNT.get(), USER.get().as_str()), (2, "ada"));
    });
}

#[test]
fn a_function_that_sets_nothing_leaves_what_was_set_here_meanwhile() {
    isolated(|| {
        COUNT.set(1);
        let work = round_trip(|| COUNT.get());
        COUNT.set(2);
        assert_eq!(elsewhere(work).take_back(), 1);
        assert_eq!(COUNT.get(), 2);
    });
}

#[test]
fn two_round_trips_at_a_time_both_bring_back_what_they_set() {
    isolated(|| {
        let (one, other) = (round_trip(|| COUNT.set(1)), round_trip(|| USER.set("ada".to_owned())));
        let (one, other) = (elsewhere(one), elsewhere(other));
        one.take_back();
        other.take_back();
        assert_eq!(copy_context(), Context::new().with(&COUNT, 1).with(&USER, "ada".to_owned()));
    });
}

#[test]
fn a_threads_base_context_can_make_a_round_trip() {
    elsewhere(|| {
        let token = COUNT.set(1);
        let other = elsewhere(round_trip(move || {
            COUNT.reset(token).unwrap();
            COUNT.set(2)
        }));
        let token = other.take_back();
        assert_eq!(COUNT.get(), 2);
        COUNT.reset(token).unwrap();
        assert_eq!(COUNT.get(), 0);
    });
}

#[test]
fn a_panic_goes_on_where_it_is_taken_back_with_the_changes_so_far() {
    isolated(|| {
        let returned = elsewhere(round_trip(|| {
            COUNT.set(2);
            panic!("half way");
        }));
        assert!(format!("{returned:?}").contains("panicked: true"), "{returned:?}");
        let payload = catch_unwind(AssertUnwindSafe(|| returned.take_back())).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"half way"));
        assert_eq!(COUNT.get(), 2);
    });
}

#[test]
fn a_function_that_is_never_called_is_dropped_in_the_context_and_changes_nothing() {
    struct SetsOnDrop(mpsc::Sender<u64>);
    impl Drop for SetsOnDrop {
        fn drop(&mut self) {
            self.0.send(COUNT.get()).unwrap();
            COUNT.set(9);
        }
    }
    let (send, receive) = mpsc::channel();
    let sets = SetsOnDrop(send);
    let work = with_context!(COUNT = 7, { round_trip(move || drop(sets)) });
    isolated(|| {
        drop(work);
        assert_eq!(receive.recv(), Ok(7));
        assert!(!COUNT.is_set());
    });
}

#[test]
fn nothing_is_left_behind() {
    let census = Census::new();
    isolated(|| {
        CITIZEN.set(census.citizen());
        let (one, other) = (census.citizen(), census.citizen());
        elsewhere(round_trip(move || drop(CITIZEN.set(one)))).take_back();
        assert_eq!(census.alive(), 2);
        drop(elsewhere(round_trip(move || drop(CITIZEN.set(other)))));
        assert_eq!(census.alive(), 1);
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_round_trip_out_of_a_scope_leaves_nothing_on_the_thread_it_goes_to() {
    let census = Census::new();
    let (send, receive) = mpsc::channel();
    let (end, ended) = mpsc::channel::<()>();
    let thread = isolated(|| {
        CITIZEN.set(census.citizen());
        with_context!(COUNT = 1, {
            let there = census.citizen();
            let work = round_trip(move || drop(CITIZEN.set(there)));
            let thread = thread::spawn(move || {
                send.send(work()).unwrap();
                ended.recv().unwrap_err();
            });
            receive.recv().unwrap().take_back();
            thread
        })
    });
    assert_eq!(census.alive(), 0, "though the thread has not ended");
    drop(end);
    thread.join().unwrap();
}

#[test]
fn a_blocking_functions_changes_come_back_to_the_task() {
    as_task(async {
        COUNT.set(1);
        let token = run_blocking(|| {
            TRANSACTION.set(5);
            COUNT.set(COUNT.get() + 1)
        })
        .await;
        assert_eq!((COUNT.get(), TRANSACTION.get()), (2, 5));
        COUNT.reset(token).unwrap();
        assert_eq!(COUNT.get(), 1);
    });
}

#[test]
fn another_branch_of_the_task_sees_the_changes_when_the_function_is_awaited() {
    as_task(async {
        let (half_way, wait) = oneshot::channel();
        let (go, go_on) = mpsc::channel::<()>();
        let blocking = run_blocking(move || {
            COUNT.set(2);
            half_way.send(()).unwrap();
            go_on.recv().unwrap();
        });
        let other = async {
            wait.await.unwrap();
            assert_eq!(COUNT.get(), 0);
            USER.set("ada".to_owned());
            go.send(()).unwrap();
        };
        tokio::join!(blocking, other);
        assert_eq!((COUNT.get(), USER.get().as_str()), (2, "ada"));
    });
}

#[test]
fn a_blocking_function_that_is_given_up_changes_nothing() {
    as_task(async {
        let (started, wait) = oneshot::channel();
        let (go, go_on) = mpsc::channel::<()>();
        let (ended, end) = oneshot::channel();
        let mut blocking = run_blocking(move || {
            started.send(()).unwrap();
            go_on.recv().unwrap();
            COUNT.set(2);
            ended.send(COUNT.get()).unwrap();
        });
        tokio::select! {
            biased;
            () = &mut blocking => unreachable!("it waits for `go`"),
            started = wait => started.unwrap(),
        }
        drop(blocking);
        go.send(()).unwrap();
        // It ran to its end, in a context that is not waited for.
        assert_eq!(end.await, Ok(2));
        assert!(!COUNT.is_set());
    });
}

#[test]
fn a_blocking_function_that_is_given_up_before_it_starts_never_does() {
    let census = Census::new();
    let citizen = census.citizen();
    as_task(async move {
        // The one thread of the pool is busy.
        let (go, go_on) = mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || go_on.recv());
        let (started, start) = mpsc::channel::<()>();
        let blocking = run_blocking(move || {
            let _citizen = &citizen;
            started.send(())
        });
        drop(blocking);
        go.send(()).unwrap();
        busy.await.unwrap().unwrap();
        // What is queued behind it is done by the time this is.
        run_blocking(|| ()).await;
        assert_eq!(start.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_panic_of_a_blocking_function_is_the_awaiting_tasks() {
    as_task(async {
        let blocking = run_blocking(|| {
            COUNT.set(2);
            panic!("no such table");
        });
        let task = async move {
            let blocking: tokio::task::RunBlocking<()> = blocking;
            blocking.await;
        };
        let result = futures::FutureExt::catch_unwind(AssertUnwindSafe(task)).await;
        assert_eq!(result.unwrap_err().downcast_ref(), Some(&"no such table"));
        assert_eq!(COUNT.get(), 2);
    });
}

#[test]
fn in_a_task_without_a_context_a_blocking_function_may_read_but_not_set() {
    let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let tried =
        runtime.block_on(runtime.spawn(async { run_blocking(|| (COUNT.get(), COUNT.try_set(1).is_err())).await }));
    assert_eq!(tried.unwrap(), (0, true));
}

#[test]
fn in_a_task_without_a_context_a_function_may_not_set_on_other_threads_either() {
    let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let tried = runtime.block_on(runtime.spawn(async {
        elsewhere(round_trip(|| {
            let further = elsewhere(round_trip(|| (COUNT.get(), COUNT.try_set(1).is_err()))).take_back();
            (COUNT.get(), COUNT.try_set(1).is_err(), further)
        }))
        .take_back()
    }));
    assert_eq!(tried.unwrap(), (0, true, (0, true)));
}

#[test]
fn changes_cannot_be_taken_back_into_a_task_without_a_context() {
    let returned = isolated(|| elsewhere(round_trip(|| drop(COUNT.set(2)))));
    let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let panic = runtime.block_on(runtime.spawn(async { returned.take_back() })).unwrap_err().into_panic();
    let message = panic.downcast_ref::<String>().expect("a message");
    assert!(message.contains("COUNT") && message.contains("has no context of its own"), "{message}");
}

#[test]
fn outside_of_tasks_a_blocking_function_may_set_in_the_base_context_as_its_caller_may() {
    elsewhere(|| {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            COUNT.set(1);
            run_blocking(|| COUNT.set(2)).await;
        });
        assert_eq!(COUNT.get(), 2);
    });
}

#[test]
fn a_blocking_function_shows_its_task() {
    as_task(async {
        let blocking = run_blocking(|| ());
        assert!(format!("{blocking:?}").starts_with("RunBlocking { task: Id("));
        blocking.await;
    });
}

#[test]
fn a_blocking_function_of_a_runtime_that_is_gone_is_reported() {
    let runtime = Builder::new_multi_thread().worker_threads(1).max_blocking_threads(1).build().unwrap();
    let handle = runtime.handle().clone();
    runtime.shutdown_background();
    let blocking = {
        let _entered = handle.enter();
        run_blocking(|| ())
    };
    let panicked = support::panic_of(|| pollster::block_on(blocking));
    assert!(panicked.message.contains("the runtime was shut down before"), "{panicked:?}");
}

#[test]
fn a_value_that_must_stay_and_that_a_reset_brings_back_stays() {
    on_a_thread(|| {
        let work = round_trip(|| {
            let first = TRANSACTION.set(1);
            let second = TRANSACTION.set(2);
            TRANSACTION.reset(first).unwrap();
            second
        });
        let second = thread::spawn(work).join().unwrap().take_back();
        assert!(!TRANSACTION.is_set());
        TRANSACTION.reset(second).unwrap();
        assert_eq!(TRANSACTION.get(), 1);
        assert!(!inherit_context().contains(&TRANSACTION));
    });
}
