//! A deadline is inherited, shortened by scopes, and kept; tokio's clock, which these tests move by hand, says when.

mod support;

use std::future::pending;
use std::panic::Location;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use contextvars::deadline::{DEADLINE, Deadline, DeadlineExceeded, run_until_deadline};
use contextvars::{Context, ContextExt, context_var, copy_context, inherit_context, thread, tokio, with_context};
use support::{Census, OnDrop, isolated, panic_of, poll, yielding};
use tokio::time::{Instant, advance, sleep};

#[context_var(default = 0)]
static REQUEST: u32;

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn remaining() -> Option<Duration> {
    DEADLINE.try_with(Deadline::remaining).ok()
}

/// A context in which so much time is left.
fn allowing(time: Duration) -> Context {
    Context::new().with(&DEADLINE, Deadline::within(time))
}

#[tokio::test(start_paused = true)]
async fn what_is_left_shrinks_with_the_clock_and_is_never_negative() {
    let work = async {
        assert_eq!(remaining(), Some(seconds(5)));
        advance(seconds(2)).await;
        assert_eq!(remaining(), Some(seconds(3)));
        advance(seconds(4)).await;
        assert_eq!(remaining(), Some(Duration::ZERO));
    };
    work.in_context(allowing(seconds(5))).await;
    assert_eq!(remaining(), None);
}

#[tokio::test(start_paused = true)]
async fn a_scope_can_only_shorten_the_time_that_is_left() {
    let outer = Deadline::within(seconds(5));
    let work = with_context!(DEADLINE = outer, async move {
        for longer in [seconds(5), seconds(6), Duration::MAX] {
            assert_eq!(with_context!(DEADLINE = Deadline::within(longer), { DEADLINE.get() }), outer);
        }
        for later in [outer.instant(), outer.instant() + seconds(1)] {
            assert_eq!(with_context!(DEADLINE = Deadline::at(later), { DEADLINE.get() }), outer);
        }
        let shorter = with_context!(DEADLINE = Deadline::within(seconds(4)), {
            // Nor can a scope within the scope.
            with_context!(DEADLINE = Deadline::within(seconds(5)), { DEADLINE.get() })
        });
        assert_eq!(shorter.remaining(), seconds(4));
        let earlier = outer.instant() - seconds(3);
        assert_eq!(with_context!(DEADLINE = Deadline::at(earlier), { remaining() }), Some(seconds(2)));
        assert_eq!(DEADLINE.get(), outer, "each scope ends");
    });
    work.await;
}

#[tokio::test(start_paused = true)]
async fn a_deadline_too_far_away_for_the_clock_is_far_away() {
    let deadline = Deadline::within(Duration::MAX);
    assert!(deadline.remaining() > seconds(20 * 365 * 24 * 60 * 60));
    let work = run_until_deadline(sleep(seconds(1))).in_context(Context::new().with(&DEADLINE, deadline));
    assert_eq!(work.await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn work_that_is_done_in_time_gives_its_result() {
    let work = async {
        sleep(seconds(4)).await;
        42
    };
    assert_eq!(run_until_deadline(work).in_context(allowing(seconds(5))).await, Ok(42));
    // Without a deadline it takes as long as it likes.
    let work = run_until_deadline(sleep(seconds(1_000_000)));
    assert_eq!(work.in_context(Context::new()).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn work_that_is_not_done_in_time_is_given_up_at_the_deadline() {
    let before = Instant::now();
    let census = Census::new();
    let citizen = census.citizen();
    let work = async move {
        let _citizen = citizen;
        pending::<()>().await;
    };
    let result = run_until_deadline(work).in_context(allowing(seconds(5))).await;
    assert!(result.is_err());
    // By tokio's clock, which counts in milliseconds.
    assert_eq!(before.elapsed().as_secs(), 5);
    assert_eq!(census.alive(), 0, "the future is gone, not only forgotten");
}

#[tokio::test(start_paused = true)]
async fn the_error_names_the_deadline_and_where_it_was_set() {
    let (deadline, line) = (Deadline::within(Duration::from_millis(1500)), line!());
    let work = run_until_deadline(pending::<()>()).in_context(Context::new().with(&DEADLINE, deadline));
    let error = work.await.unwrap_err();
    let place = Location::caller();
    assert_eq!((place.file(), deadline.set_at().line()), (deadline.set_at().file(), line));
    let message = format!("the deadline of 1.5s that was set at {}:{line}:", file!());
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(text.contains(&message) && text.contains(" has passed") && !text.contains('\n'), "{text}");
    }
    assert_eq!(error.deadline(), deadline);
    assert!(format!("{deadline} {deadline:?}").starts_with("1.5s, set at "));
    let _: Box<dyn std::error::Error + Send + Sync> = error.into();
}

#[tokio::test(start_paused = true)]
async fn of_two_scopes_the_error_names_the_one_that_counts() {
    let outer = Deadline::within(seconds(1));
    let work = with_context!(DEADLINE = outer, async {
        let inner =
            with_context!(DEADLINE = Deadline::within(seconds(9)), async { run_until_deadline(pending::<()>()).await });
        inner.await
    });
    assert_eq!(work.await.map_err(|error| error.deadline().set_at()), Err(outer.set_at()));
}

#[tokio::test(start_paused = true)]
async fn work_is_not_begun_when_the_deadline_has_passed() {
    let ctx = allowing(seconds(1));
    advance(seconds(1)).await;
    let result = run_until_deadline(async { unreachable!("it is too late") }).in_context(ctx).await;
    assert!(result.is_err());
    assert!(run_until_deadline(async {}).in_context(allowing(Duration::ZERO)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_deadline_counts_that_is_in_force_when_the_work_begins() {
    // Made where there is none, as an argument of something that gives it a context.
    let made_before = run_until_deadline(pending::<()>());
    assert!(made_before.in_context(allowing(seconds(1))).await.is_err());
    let work = async {
        let work = run_until_deadline(async {
            sleep(seconds(3)).await;
            remaining()
        });
        let mut work = pin!(work);
        assert!(poll(work.as_mut()).is_pending());
        // A later change does not count for work that has begun.
        DEADLINE.set(Deadline::within(seconds(1)));
        work.await
    };
    assert_eq!(work.in_context(allowing(seconds(5))).await, Ok(Some(Duration::ZERO)));
}

#[tokio::test(start_paused = true)]
async fn tasks_blocking_functions_and_threads_inherit_it() {
    let work = async {
        let task = tokio::spawn(async { DEADLINE.get() });
        let blocking = tokio::task::spawn_blocking(|| DEADLINE.get());
        let thread = thread::spawn(|| DEADLINE.get());
        assert_eq!((task.await.unwrap(), blocking.await.unwrap()), (DEADLINE.get(), DEADLINE.get()));
        assert_eq!(thread.join().unwrap(), DEADLINE.get());
        // And have to keep it themselves: what one task gives up another one goes on with.
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let given_up = run_until_deadline(pending::<()>()).await;
            sender.send(()).unwrap();
            given_up
        });
        assert!(run_until_deadline(pending::<()>()).await.is_err());
        receiver.await.unwrap();
        assert!(task.await.unwrap().is_err());
    };
    work.in_context(allowing(seconds(5))).await;
}

#[tokio::test(start_paused = true)]
async fn work_that_outlives_the_request_is_detached_from_the_deadline_by_its_name_and_keeps_the_rest() {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let request = async {
        let audit = async {
            sleep(seconds(60)).await;
            sender.send((REQUEST.get(), remaining())).unwrap();
        };
        tokio::spawn(run_until_deadline(audit).in_context(inherit_context().without(&DEADLINE)));
        assert!(run_until_deadline(pending::<()>()).await.is_err());
    };
    request.in_context(allowing(seconds(5)).with(&REQUEST, 7)).await;
    assert_eq!(receiver.await, Ok((7, None)));
}

#[tokio::test(start_paused = true)]
async fn requests_that_take_turns_each_have_their_own_deadline() {
    let request = |allowed| {
        let work = async move {
            yielding().await;
            sleep(Duration::from_millis(25_500)).await;
            allowed
        };
        tokio::spawn(run_until_deadline(work).in_context(allowing(seconds(allowed))))
    };
    let requests: Vec<_> = (1..=50).map(request).collect();
    for (request, allowed) in requests.into_iter().zip(1..) {
        let result = request.await.unwrap().map_err(|error: DeadlineExceeded| error.deadline().remaining());
        assert_eq!(result, if allowed > 25 { Ok(allowed) } else { Err(Duration::ZERO) }, "{allowed} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_future_that_is_given_up_is_dropped_in_its_context() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let work = async move {
        let _on_drop = OnDrop(move || sender.send((REQUEST.get(), DEADLINE.is_set())).unwrap());
        pending::<()>().await;
    };
    let ctx = allowing(seconds(1)).with(&REQUEST, 7);
    assert!(run_until_deadline(work).in_context(ctx).await.is_err());
    assert_eq!(receiver.recv().unwrap(), (7, true));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_work_is_its_callers_and_leaves_nothing_behind() {
    let task = tokio::spawn(
        run_until_deadline(async { std::panic::resume_unwind(Box::new("no stock")) }).in_context(allowing(seconds(1))),
    );
    let result: Result<Result<(), _>, _> = task.await;
    assert!(result.unwrap_err().is_panic());
    assert_eq!(remaining(), None);
}

#[tokio::test(start_paused = true)]
async fn the_future_is_gone_when_it_is_done_or_given_up_though_what_ran_it_is_kept() {
    let census = Census::new();
    let citizen = || (census.citizen(), census.clone());
    for (time, is_in_time) in [(seconds(5), true), (seconds(1), false), (Duration::ZERO, false)] {
        let (citizen, census) = citizen();
        let work = async move {
            let _citizen = citizen;
            sleep(seconds(2)).await;
        };
        let mut work = pin!(run_until_deadline(work).in_context(allowing(time)));
        assert_eq!((work.as_mut().await.is_ok(), census.alive()), (is_in_time, 0));
        let panicked = panic_of(|| poll(work.as_mut()));
        assert!(panicked.message.contains("this future has completed"), "{}", panicked.message);
    }
}

#[test]
fn it_takes_no_more_room_than_a_timeout_of_tokio_s() {
    let work = || async {
        let room = [0_u8; 4096];
        yielding().await;
        room[7]
    };
    let (room, kept) = (size_of_val(&work()), size_of_val(&run_until_deadline(work())));
    assert!(kept < room + 300, "{kept} bytes for {room}");
}

#[test]
fn deadlines_are_made_and_looked_at_without_a_runtime_but_kept_in_one_only() {
    isolated(|| {
        DEADLINE.set(Deadline::within(seconds(3600)));
        assert!(remaining() > Some(seconds(3000)));
        let panicked = panic_of(|| pollster::block_on(run_until_deadline(async {})));
        assert!(panicked.message.contains("no reactor running"), "{}", panicked.message);
        // Where there is nothing to keep, none is needed.
        let mut work = pin!(run_until_deadline(async { 1 }).in_context(copy_context().without(&DEADLINE)));
        assert_eq!(poll(work.as_mut()), Poll::Ready(Ok(1)));
    });
}

#[test]
fn a_deadline_that_is_made_in_a_plain_task_counts_only_in_a_scope() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let plain = runtime.spawn(async {
        let refused = DEADLINE.try_set(Deadline::within(seconds(5))).is_err();
        let scope = with_context!(DEADLINE = Deadline::within(seconds(5)), async { DEADLINE.is_set() });
        (refused, scope.await, DEADLINE.is_set())
    });
    assert_eq!(runtime.block_on(plain).unwrap(), (true, true, false));
}
