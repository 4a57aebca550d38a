//! What is left of a future that is done and kept: what it was given, and nothing that was made for it.

use std::cell::RefCell;
use std::future;
use std::pin::Pin;
use std::task::{self, Poll};

use contextvars::{Context, ContextExt, context_var, with_context};
use futures::FutureExt;
use futures::future::FusedFuture;

use crate::support::{Census, Citizen, OnDrop, panic_of, poll, yielding};

#[context_var(default = 0)]
static NUMBER: u32;

#[context_var]
static COUNTED: Citizen;

fn with_number(number: u32) -> Context {
    Context::new().with(&NUMBER, number)
}

#[test]
fn a_context_that_was_given_can_be_taken_back_when_the_future_is_done() {
    let census = Census::new();
    let given = with_number(1).with(&COUNTED, census.citizen());
    let mut work = Box::pin(async { NUMBER.set(2).old_value().copied() }).in_context(given);
    assert_eq!(poll(Pin::new(&mut work)), Poll::Ready(Some(1)));
    assert_eq!((work.context()[&NUMBER], census.alive()), (2, 1));
    let (_, ctx) = work.into_parts();
    assert_eq!(ctx[&NUMBER], 2);
    drop(ctx);
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_future_that_is_done_and_kept_keeps_no_values_if_its_context_was_made_for_it() {
    let census = Census::new();
    with_number(1).with(&COUNTED, census.citizen()).run(|| {
        let mut in_a_copy = Box::pin(yielding().in_current_context());
        let mut in_a_scope = Box::pin(with_context!(NUMBER = 2, async { yielding().await }));
        assert!(poll(in_a_copy.as_mut()).is_pending() && poll(in_a_scope.as_mut()).is_pending());
        assert!(poll(in_a_copy.as_mut()).is_ready() && poll(in_a_scope.as_mut()).is_ready());
        assert!(in_a_copy.context().is_empty() && in_a_scope.context().is_empty());
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_future_that_ends_with_its_context_is_dropped_in_it() {
    let seen = RefCell::new(Vec::new());
    let number = OnDrop(|| seen.borrow_mut().push(NUMBER.get()));
    // What a closure owns is dropped when the closure is, and not when it returns.
    let mut future = with_context!(NUMBER = 1, {
        Box::pin(future::poll_fn(move |_| Poll::Ready(_ = &number)).in_current_context())
    });
    assert!(poll(future.as_mut()).is_ready());
    assert_eq!(seen.take(), [1]);
    drop(future);
    assert!(seen.take().is_empty());
}

#[test]
fn a_future_that_ended_with_its_context_says_so_when_it_is_used_again() {
    let ended = || {
        let mut future = Box::pin(future::ready(1)).in_current_context();
        assert_eq!(poll(Pin::new(&mut future)), Poll::Ready(1));
        future
    };
    let polled = panic_of(|| poll(Pin::new(&mut ended())));
    assert!(polled.message.starts_with("this future has completed and was dropped with its context"), "{polled:?}");
    let taken_apart = panic_of(|| ended().into_parts());
    assert_eq!((taken_apart.message, taken_apart.file.as_str()), (polled.message, file!()));
    assert_eq!(format!("{:?}", ended()), "InContext { context: {}, .. }");
}

#[test]
fn a_panic_of_a_future_that_is_done_and_dropped_leaves_the_callers_context() {
    struct PanicsInDrop;
    impl Future for PanicsInDrop {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }
    impl Drop for PanicsInDrop {
        fn drop(&mut self) {
            panic!("dropped in {}", NUMBER.get());
        }
    }
    with_number(100).run(|| {
        let mut future = with_context!(NUMBER = 1, { Box::pin(PanicsInDrop.in_current_context()) });
        assert_eq!(panic_of(|| poll(future.as_mut())).message, "dropped in 1");
        assert_eq!(NUMBER.get(), 100);
        drop(future);
        assert_eq!(NUMBER.get(), 100);
    });
}

#[test]
fn a_fused_future_that_ended_with_its_context_is_terminated() {
    let mut future = Box::pin(yielding().fuse().in_current_context());
    assert!(poll(future.as_mut()).is_pending() && !future.is_terminated());
    assert!(poll(future.as_mut()).is_ready() && future.is_terminated());
    // One that is fused on the outside can be polled again.
    let mut future = Box::pin(yielding().in_current_context().fuse());
    assert!(poll(future.as_mut()).is_pending() && poll(future.as_mut()).is_ready());
    assert!(poll(future.as_mut()).is_pending() && future.is_terminated());
}
