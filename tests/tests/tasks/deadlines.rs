//! A deadline is inherited, shortened by scopes, and kept; tokio's clock, which these tests move by hand, says when.

use std::future::pending;
use std::panic::Location;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use contextvars::deadline::{DEADLINE, Deadline, DeadlineExceeded, run_until_deadline};
use contextvars::tower::ContextLayer;
use contextvars::{Context, ContextExt, context_var, copy_context, inherit_context, thread, tokio, with_context};
use http::{Request, Response};
use tokio::time::{Instant, advance, sleep};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{Census, OnDrop, isolated, panic_of, poll, yielding};

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
async fn a_scope_shortens_and_does_not_extend_wherever_its_deadline_was_made() {
    let [first, second, third] = [1, 2, 3].map(|count| Deadline::within(seconds(count)));
    let in_force = async || DEADLINE.get();
    let request = second.scope(async {
        assert_eq!((first.scope(in_force()).await, third.scope(in_force()).await), (first, second));
        assert_eq!(first.sync_scope(|| third.sync_scope(|| DEADLINE.get())), first);
        assert_eq!(third.sync_scope(|| first.sync_scope(|| DEADLINE.get())), first);
        assert_eq!(DEADLINE.get(), second, "each scope ends");
        // Work that would need the longer one is given up by the shorter.
        let error = third.scope(run_until_deadline(sleep(Duration::from_millis(2500)))).await.unwrap_err();
        assert_eq!(error.deadline(), second);
    });
    request.await;
    assert_eq!(remaining(), None);
}

#[tokio::test(start_paused = true)]
async fn a_scope_of_a_future_compares_with_the_deadline_that_is_in_force_at_its_first_poll() {
    let [short, long] = [1, 60].map(|count| Deadline::within(seconds(count)));
    let made_outside = long.scope(async { DEADLINE.get() });
    let made_in_a_scope = short.sync_scope(|| long.scope(async { DEADLINE.get() }));
    assert_eq!(short.scope(made_outside).await, short);
    assert_eq!(made_in_a_scope.await, long);
    // A task inherits what is in force where it is spawned.
    let task = short.sync_scope(|| tokio::spawn(long.scope(async { DEADLINE.get() })));
    assert_eq!(task.await.unwrap(), short);
}

#[tokio::test(start_paused = true)]
async fn what_a_scope_sets_of_the_deadline_lasts_until_its_end_and_of_other_variables_beyond() {
    let request = async {
        let scope = Deadline::within(seconds(60)).scope(async {
            DEADLINE.set(Deadline::within(seconds(2)));
            REQUEST.set(7);
            yielding().await;
            remaining()
        });
        assert_eq!(scope.await, Some(seconds(2)));
        assert_eq!((remaining(), REQUEST.get()), (None, 7));
    };
    request.in_context(Context::new()).await;
}

#[tokio::test(start_paused = true)]
async fn branches_of_a_join_each_have_the_deadline_of_their_scope() {
    let branch = async |count| {
        let branch = async {
            yielding().await;
            remaining()
        };
        Deadline::within(seconds(count)).scope(branch).await
    };
    let request = async { tokio::join!(branch(1), branch(9), branch(2)) };
    let left = Deadline::within(seconds(5)).scope(request).await;
    assert_eq!(left, (Some(seconds(1)), Some(seconds(5)), Some(seconds(2))));
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_panics_or_is_dropped_leaves_the_deadline_as_it_was() {
    let request = async {
        let before = DEADLINE.get();
        let shorter = Deadline::within(seconds(1));
        panic_of(|| shorter.sync_scope(|| panic!("no stock")));
        assert_eq!(DEADLINE.get(), before);
        let (sender, receiver) = std::sync::mpsc::channel();
        let mut scope = Box::pin(shorter.scope(async move {
            let _on_drop = OnDrop(move || sender.send(DEADLINE.get()).unwrap());
            pending::<()>().await;
        }));
        assert!(poll(scope.as_mut()).is_pending());
        drop(scope);
        assert_eq!(receiver.recv(), Ok(shorter), "it is dropped with its deadline");
        assert_eq!(DEADLINE.get(), before);
        panic_of(|| poll(pin!(shorter.scope(async { panic!("no stock") }))));
        assert_eq!(DEADLINE.get(), before);
    };
    request.in_context(allowing(seconds(5))).await;
}

#[tokio::test(start_paused = true)]
async fn set_and_with_context_take_the_deadline_they_are_given_and_a_context_made_in_advance_brings_its_own() {
    let long = Deadline::within(seconds(60));
    let made_in_advance = allowing(seconds(60));
    let request = async move {
        assert_eq!(with_context!(DEADLINE = long, { DEADLINE.get() }), long);
        assert_eq!(DEADLINE.sync_scope(long, || DEADLINE.get()), long);
        assert_eq!(DEADLINE.scope(long, async { DEADLINE.get() }).await, long);
        let brought = async { remaining() };
        assert_eq!(brought.in_context(made_in_advance).await, Some(seconds(60)));
        assert_eq!(async { remaining() }.in_context(Context::new()).await, None);
        DEADLINE.set(Deadline::within(seconds(9)));
        assert_eq!(remaining(), Some(seconds(1)), "that one is made here, where less is left");
        DEADLINE.set(long);
        assert_eq!(remaining(), Some(seconds(60)));
    };
    request.in_context(allowing(seconds(1))).await;
}

#[tokio::test(start_paused = true)]
async fn a_deadline_made_at_start_up_ends_for_all_requests_and_one_made_in_init_is_each_requests_own() {
    let handler = service_fn(async |_: Request<()>| {
        let result = run_until_deadline(sleep(seconds(1))).await;
        Ok::<_, std::convert::Infallible>(Response::new(result.is_ok()))
    });
    let of_the_server = ContextLayer::from(allowing(seconds(5))).layer(handler);
    let of_each_request = ContextLayer::from(Context::new())
        .init(|_: &Request<()>| {
            DEADLINE.set(Deadline::within(seconds(5)));
        })
        .layer(handler);
    for is_within_five_seconds_of_the_start in [true, false] {
        let from_the_server = of_the_server.clone().oneshot(Request::new(())).await.unwrap();
        assert_eq!(from_the_server.into_body().into_parts().0, is_within_five_seconds_of_the_start);
        let own = of_each_request.clone().oneshot(Request::new(())).await.unwrap();
        assert!(own.into_body().into_parts().0);
        advance(seconds(9)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_is_too_far_away_for_timers_is_in_thirty_years() {
    let thirty_years = seconds(30 * 365 * 24 * 60 * 60);
    // The last two are within what clocks can tell, and so near to its end that timers overflow.
    for longer in
        [Duration::MAX, thirty_years + seconds(1), largest(), largest().saturating_sub(Duration::from_micros(500))]
    {
        let deadline = Deadline::within(longer);
        assert_eq!(deadline.remaining(), thirty_years, "{longer:?}");
        let in_time = deadline.scope(run_until_deadline(sleep(seconds(1)))).await;
        assert_eq!(in_time, Ok(()), "{longer:?}");
    }
    let deadline = Deadline::at(Instant::now() + largest());
    assert_eq!(deadline.remaining(), thirty_years);
    assert_eq!(deadline.scope(run_until_deadline(sleep(seconds(1)))).await, Ok(()));
}

/// The longest time that can be added to now.
fn largest() -> Duration {
    let now = Instant::now();
    let (mut fitting, mut too_long) = (Duration::ZERO, Duration::MAX);
    loop {
        let between = fitting + too_long.saturating_sub(fitting) / 2;
        if between == fitting {
            return fitting;
        }
        let half = if now.checked_add(between).is_some() { &mut fitting } else { &mut too_long };
        *half = between;
    }
}

#[tokio::test(start_paused = true)]
async fn on_a_thread_of_ones_own_a_paused_clock_is_known_only_where_the_runtime_is_entered() {
    let request = async {
        advance(seconds(3599)).await;
        assert_eq!(remaining(), Some(seconds(1)));
        assert_eq!(tokio::task::spawn_blocking(remaining).await.unwrap(), Some(seconds(1)));
        assert!(thread::spawn(remaining).join().unwrap() > Some(seconds(1)), "real time counts");
        let runtime = tokio::runtime::Handle::current();
        let entered = thread::spawn(move || {
            let _entered = runtime.enter();
            remaining()
        });
        assert_eq!(entered.join().unwrap(), Some(seconds(1)));
    };
    request.in_context(allowing(seconds(3600))).await;
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
    let room = size_of_val(&work());
    let scope = Deadline::within(seconds(1)).scope(work());
    for kept in [size_of_val(&run_until_deadline(work())), size_of_val(&scope)] {
        assert!(kept < room + 300, "{kept} bytes for {room}");
    }
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
        let scopes = (scope.await, Deadline::within(seconds(5)).scope(async { DEADLINE.is_set() }).await);
        (refused, scopes, DEADLINE.is_set())
    });
    assert_eq!(runtime.block_on(plain).unwrap(), (true, (true, true), false));
}
