//! `with_context!` around asynchronous code: `async` bodies, and what happens when a plain body is suspended all the
//! same.

use std::cell::RefCell;
use std::mem;
use std::pin::pin;
use std::task::Poll;
use std::thread;

use contextvars::{Context, ContextExt, InContext, context_var, copy_context, with_context};

use crate::support::{Census, Citizen, caught, isolated, on_a_thread, panic_of, poll, yielding};

#[context_var(default = 0)]
static NUMBER: u32;

#[context_var]
static NAME: String;

#[context_var]
static COUNTED: Citizen;

#[test]
fn an_async_body_makes_a_future_that_runs_in_the_scope() {
    let future = with_context!(NUMBER = 7, NAME = "ada".to_owned(), async {
        let before = NUMBER.get();
        yielding().await;
        (before, NUMBER.get(), NAME.get())
    });
    assert!(!NUMBER.is_set());
    assert_eq!(pollster::block_on(future), (7, 7, "ada".to_owned()));
    let angle = with_context!(<NUMBER = 8> async move { NUMBER.get() });
    let empty = with_context!(async { NUMBER.get() });
    assert_eq!((pollster::block_on(angle), pollster::block_on(empty)), (8, 0));
}

#[test]
fn the_values_of_an_async_scope_are_evaluated_at_once_and_the_context_is_copied_then() {
    let mut calls = 0;
    let future = isolated(|| {
        NAME.set("early".to_owned());
        let future = with_context!(
            NUMBER = {
                calls += 1;
                calls
            },
            async { (NUMBER.get(), NAME.get()) }
        );
        NAME.set("late".to_owned());
        future
    });
    assert_eq!(calls, 1);
    assert_eq!(pollster::block_on(future), (1, "early".to_owned()));
}

#[test]
fn an_async_scope_is_entered_for_each_poll_and_left_after_it() {
    isolated(|| {
        let mut future = pin!(with_context!(NUMBER = 1, async {
            for _ in 0..3 {
                yielding().await;
                NUMBER.set(NUMBER.get() + 1);
            }
            NUMBER.get()
        }));
        for _ in 0..3 {
            assert!(poll(future.as_mut()).is_pending());
            assert!(!NUMBER.is_set());
        }
        assert_eq!(poll(future.as_mut()), Poll::Ready(4));
        assert!(!NUMBER.is_set());
    });
}

#[test]
fn a_question_mark_in_an_async_body_ends_the_body() {
    let parse = |text: &'static str| with_context!(NUMBER = 1, async move { Ok(text.parse::<u32>()? + NUMBER.get()) });
    let parse = |text| pollster::block_on(parse(text)).map_err(|_: std::num::ParseIntError| ());
    assert_eq!((parse("4"), parse("x")), (Ok(5), Err(())));
}

#[test]
fn an_async_body_borrows_or_moves_as_any_other() {
    let mut list = vec![1];
    let name = "moved".to_owned();
    pollster::block_on(async {
        with_context!(NUMBER = 2, async {
            yielding().await;
            list.push(NUMBER.get());
        })
        .await;
        let length = with_context!(NUMBER = 3, async move { name.len() }).await;
        list.push(u32::try_from(length).unwrap());
    });
    assert_eq!(list, [1, 2, 5]);
}

#[test]
fn async_scopes_nest_and_hold_plain_ones() {
    let future = with_context!(NUMBER = 1, async {
        let inner = with_context!(NUMBER = NUMBER.get() + 1, async {
            yielding().await;
            let plain = with_context!(NUMBER = NUMBER.get() * 10, { NUMBER.get() });
            yielding().await;
            (NUMBER.get(), plain)
        });
        (inner.await, NUMBER.get())
    });
    assert_eq!(pollster::block_on(future), ((2, 20), 1));
}

#[test]
fn an_async_scope_is_send_where_its_body_is() {
    fn send<T: Send + 'static>(future: T) -> T {
        future
    }
    let future = send(with_context!(NUMBER = 1, async {
        yielding().await;
        NUMBER.get()
    }));
    assert_eq!(on_a_thread(|| pollster::block_on(future)), 1);
}

#[test]
fn an_async_scope_that_is_dropped_half_way_drops_its_body_inside() {
    struct SeesNumber<'a>(&'a RefCell<Vec<u32>>);
    impl Drop for SeesNumber<'_> {
        fn drop(&mut self) {
            self.0.borrow_mut().push(NUMBER.get());
        }
    }
    let census = Census::new();
    let seen = RefCell::new(Vec::new());
    let mut future = Box::pin(with_context!(NUMBER = 1, COUNTED = census.citizen(), async {
        let _first = SeesNumber(&seen);
        NUMBER.set(2);
        yielding().await;
        unreachable!("it is dropped before");
    }));
    assert!(poll::<InContext<_>>(future.as_mut()).is_pending());
    drop(future);
    assert_eq!((seen.into_inner(), census.alive()), (vec![2], 0));
}

/// An `.await` that `with_context!` cannot see.
macro_rules! hidden_await {
    ($future:expr) => {
        $future.await
    };
}

/// Holds a plain scope across an `.await`, which is a mistake.
#[expect(clippy::await_holding_invalid_type, reason = "the very mistake that is tested")]
async fn suspended_in_a_scope(number: u32) -> u32 {
    with_context!(NUMBER = number, {
        hidden_await!(yielding());
        NUMBER.get()
    })
}

/// The line of the `with_context!` in `suspended_in_a_scope`.
fn line_of_the_scope() -> u32 {
    let source = include_str!("async_scopes.rs");
    let line = source.lines().position(|line| line.starts_with("    with_context!(NUMBER = number"));
    u32::try_from(line.expect("it is there")).unwrap() + 1
}

#[test]
fn a_suspended_scope_without_interference_ends_well() {
    on_a_thread(|| {
        assert_eq!(pollster::block_on(suspended_in_a_scope(1)), 1);
        assert!(copy_context().is_empty());
        // Within a wrapped future the scope leaves and comes back with the future's context.
        let mut wrapped = pin!(suspended_in_a_scope(2).in_context(Context::new().with(&NAME, "ada".to_owned())));
        assert!(poll(wrapped.as_mut()).is_pending());
        assert!(copy_context().is_empty());
        assert_eq!(poll(wrapped.as_mut()), Poll::Ready(2));
        assert!(copy_context().is_empty());
        assert_eq!((wrapped.context().len(), wrapped.context()[&NAME].as_str()), (1, "ada"));
    });
}

#[test]
fn what_is_set_from_outside_in_the_context_of_a_suspended_scope_is_gone_with_the_scope() {
    on_a_thread(|| {
        let work = async {
            let within = suspended_in_a_scope(1).await;
            (within, NUMBER.get(), NAME.is_set())
        };
        let mut work = pin!(work.in_context(Context::new().with(&NUMBER, 5)));
        assert!(poll(work.as_mut()).is_pending());
        let context = work.as_mut().context_mut();
        *context = mem::take(context).with(&NAME, "from outside".to_owned());
        assert_eq!(poll(work.as_mut()), Poll::Ready((1, 5, false)));
        assert_eq!(work.context().len(), 1);
    });
}

#[test]
fn suspended_scopes_that_interleave_panic_and_bring_the_base_context_back() {
    on_a_thread(|| {
        NAME.set("base".to_owned());
        let (mut first, mut second) = (pin!(suspended_in_a_scope(1)), pin!(suspended_in_a_scope(2)));
        assert!(poll(first.as_mut()).is_pending());
        assert!(poll(second.as_mut()).is_pending());
        for future in [first.as_mut(), second.as_mut()] {
            let panicked = panic_of(|| poll(future));
            let place = format!("entered at {}:{}:", file!(), line_of_the_scope());
            assert!(panicked.message.contains(&place), "{}", panicked.message);
            assert!(panicked.message.contains("suspended by an `.await`"), "{}", panicked.message);
            assert!(panicked.message.contains("`with_context!(.., async move { .. }).await`"), "{}", panicked.message);
            assert_eq!((NAME.get_or(String::new()).as_str(), NUMBER.is_set()), ("base", false));
        }
        // It is the base context itself that is back, not a copy.
        let token = NAME.set("changed".to_owned());
        NAME.reset(token).unwrap();
        assert_eq!(NAME.get(), "base");
    });
}

#[test]
fn a_suspended_scope_that_is_dropped_takes_its_context_with_it() {
    on_a_thread(|| {
        NAME.set("base".to_owned());
        let mut future = Box::pin(suspended_in_a_scope(1));
        assert!(poll(future.as_mut()).is_pending());
        drop(future);
        assert_eq!((NAME.get().as_str(), NUMBER.is_set()), ("base", false));
    });
}

#[test]
fn a_suspended_scope_does_not_turn_a_panic_into_an_abort() {
    #[expect(clippy::await_holding_invalid_type, reason = "the very mistake that is tested")]
    async fn panics_in_a_suspended_scope() {
        with_context!(NUMBER = 1, {
            hidden_await!(yielding());
            panic!("the body's own");
        });
    }
    on_a_thread(|| {
        let (mut first, mut second) = (pin!(panics_in_a_suspended_scope()), pin!(suspended_in_a_scope(2)));
        assert!(poll(first.as_mut()).is_pending());
        assert!(poll(second.as_mut()).is_pending());
        assert_eq!(panic_of(|| poll(first)).message, "the body's own");
        assert!(copy_context().is_empty());
        let _ = caught(|| poll(second));
        assert!(copy_context().is_empty());
    });
}

#[test]
fn a_scope_suspended_in_one_run_and_ended_in_another_leaves_both_and_the_caller_alone() {
    on_a_thread(|| {
        NAME.set("base".to_owned());
        let mut future = Box::pin(suspended_in_a_scope(1));
        let (mut one, mut other) = (Context::new(), Context::new().with(&NAME, "other".to_owned()));
        assert!(one.run(|| poll(future.as_mut())).is_pending());
        let panicked = panic_of(|| other.run(|| poll(future.as_mut())));
        assert!(panicked.message.contains("ended in another context"), "{}", panicked.message);
        assert_eq!((NAME.get().as_str(), other[&NAME].as_str(), other.len()), ("base", "other", 1));
    });
}

#[test]
fn a_scope_suspended_outside_and_ended_in_a_run_leaves_the_run_s_context_alone() {
    on_a_thread(|| {
        drop(NAME.set("base".to_owned()));
        let mut future = Box::pin(suspended_in_a_scope(1));
        assert!(poll(future.as_mut()).is_pending());
        let mut other = Context::new().with(&NAME, "other".to_owned());
        other.run(|| {
            let panicked = panic_of(|| poll(future.as_mut()));
            assert!(panicked.message.contains("ended in another context"), "{}", panicked.message);
            assert_eq!(NAME.get(), "other");
            drop(NAME.set("changed".to_owned()));
        });
        assert_eq!((other[&NAME].as_str(), other.len()), ("changed", 1));
        // It is a context like any other, on other threads too.
        thread::scope(|scope| scope.spawn(|| other.run(|| drop(NAME.set("again".to_owned())))).join().unwrap());
        assert_eq!(other[&NAME], "again");
    });
}

#[test]
fn guards_of_one_context_that_end_out_of_order_leave_a_value_behind() {
    #[expect(clippy::await_holding_invalid_type, reason = "this is what clippy warns of")]
    async fn guarded(value: u32, yields: u32) -> u32 {
        let _guard = NUMBER.set_scoped(value);
        for _ in 0..yields {
            yielding().await;
        }
        NUMBER.get()
    }
    isolated(|| {
        // The first to begin is the first to end: the second then puts back what the first had set.
        let (first, second) = (guarded(1, 1), guarded(2, 2));
        let mut both = pin!(async { futures::join!(first, second) });
        let seen = pollster::block_on(both.as_mut());
        assert_eq!((seen, NUMBER.get()), ((2, 0), 1));
    });
    isolated(|| {
        let (first, second) = (guarded(1, 1).in_current_context(), guarded(2, 2).in_current_context());
        assert_eq!(pollster::block_on(async { futures::join!(first, second) }), (1, 2));
        assert!(!NUMBER.is_set());
    });
}
