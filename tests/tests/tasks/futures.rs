//! Futures in contexts: entered on every poll and on drop, under any executor, apart from one another.

use std::cell::{Cell, RefCell};
use std::future;
use std::marker::PhantomPinned;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::mpsc;
use std::task::{self, Poll};
use std::thread;

use contextvars::{Context, ContextExt, InContext, context_var, copy_context};

use crate::support::{Census, Citizen, isolated, on_a_thread, panic_of, poll, yielding};

#[context_var(default = 0)]
static NUMBER: u32;

#[context_var]
static NAME: String;

#[context_var]
static COUNTED: Citizen;

fn with_number(number: u32) -> Context {
    Context::new().with(&NUMBER, number)
}

/// Adds to the number at each of three polls.
async fn three_steps() -> u32 {
    for _ in 0..3 {
        NUMBER.set(NUMBER.get() + 1);
        yielding().await;
    }
    NUMBER.get()
}

/// A future that does nothing but say in which context it is polled and dropped.
struct Witness<'a> {
    polls: usize,
    seen: &'a RefCell<Vec<(&'static str, u32)>>,
}

impl Future for Witness<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<()> {
        self.seen.borrow_mut().push(("poll", NUMBER.get()));
        self.polls -= 1;
        if self.polls == 0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Witness<'_> {
    fn drop(&mut self) {
        self.seen.borrow_mut().push(("drop", NUMBER.get()));
    }
}

#[test]
fn a_future_runs_in_its_context_under_any_executor() {
    isolated(|| {
        NUMBER.set(100);
        assert_eq!(pollster::block_on(three_steps().in_context(with_number(7))), 10);
        let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(tokio.block_on(three_steps().in_context(with_number(8))), 11);
        assert_eq!(NUMBER.get(), 100);
    });
}

#[test]
fn changes_stay_in_the_context_from_poll_to_poll() {
    isolated(|| {
        let mut future = pin!(three_steps().in_context(Context::new()));
        for step in 1..=3 {
            assert!(poll(future.as_mut()).is_pending());
            assert_eq!((future.context()[&NUMBER], NUMBER.is_set()), (step, false));
        }
        assert_eq!(poll(future), Poll::Ready(3));
    });
}

#[test]
fn the_context_is_entered_for_each_poll_and_for_the_drop() {
    let seen = RefCell::new(Vec::new());
    let mut future = Box::pin(Witness { polls: 3, seen: &seen }.in_context(with_number(7)));
    assert!(poll(future.as_mut()).is_pending());
    with_number(8).run(|| assert!(poll(future.as_mut()).is_pending()));
    assert!(poll(future.as_mut()).is_ready());
    with_number(9).run(|| drop(future));
    assert_eq!(seen.into_inner(), [("poll", 7), ("poll", 7), ("poll", 7), ("drop", 7)]);
}

#[test]
fn a_future_that_is_never_polled_is_dropped_in_its_context() {
    let seen = RefCell::new(Vec::new());
    drop(Witness { polls: 1, seen: &seen }.in_context(with_number(7)));
    assert_eq!(seen.into_inner(), [("drop", 7)]);
}

#[test]
fn the_drop_sees_what_the_last_poll_set() {
    let seen = RefCell::new(Vec::new());
    let mut future = Box::pin(
        async {
            let _witness = Witness { polls: 1, seen: &seen };
            NUMBER.set(8);
            yielding().await;
        }
        .in_context(with_number(7)),
    );
    assert!(poll(future.as_mut()).is_pending());
    drop(future);
    assert_eq!(seen.into_inner(), [("drop", 8)]);
}

#[test]
fn the_context_outlives_the_future_it_is_for() {
    let census = Census::new();
    let ctx = Context::new().with(&COUNTED, census.citizen());
    let mut future = Box::pin(future::pending::<()>().in_context(ctx));
    assert!(poll(future.as_mut()).is_pending());
    assert_eq!(census.alive(), 1);
    drop(future);
    assert_eq!(census.alive(), 0);
}

#[test]
fn in_current_context_is_a_copy_taken_at_once() {
    isolated(|| {
        NUMBER.set(1);
        let future = three_steps().in_current_context();
        NUMBER.set(50);
        assert_eq!((pollster::block_on(future), NUMBER.get()), (4, 50));
    });
}

#[test]
fn interleaved_futures_never_see_each_other_s_values() {
    async fn checks(own: u32) {
        for step in 0..50 {
            assert_eq!(NUMBER.get(), own + step);
            NUMBER.set(own + step + 1);
            assert_eq!(NAME.get_or(String::new()), if step == 0 { String::new() } else { own.to_string() });
            NAME.set(own.to_string());
            yielding().await;
        }
    }
    isolated(|| {
        let mut futures: Vec<_> =
            (0..20).map(|n| n * 1000).map(|own| Box::pin(checks(own).in_context(with_number(own)))).collect();
        let mut rounds = 0;
        while !futures.is_empty() {
            futures.retain_mut(|future| poll(future.as_mut()).is_pending());
            futures.reverse();
            rounds += 1;
        }
        assert_eq!((rounds, copy_context().is_empty()), (51, true));
    });
}

#[test]
fn nested_wrappers_enter_from_outside_in() {
    let future = async {
        let inner = async {
            yielding().await;
            NUMBER.set(NUMBER.get() + 1);
            (NUMBER.get(), NAME.is_set())
        };
        let inner = inner.in_context(with_number(10)).await;
        (inner, NUMBER.get(), NAME.get())
    };
    let outer = with_number(1).with(&NAME, "outer".to_owned());
    assert_eq!(pollster::block_on(future.in_context(outer)), ((11, false), 1, "outer".to_owned()));
    // Directly around each other, the innermost wins.
    let twice = async { NUMBER.get() }.in_context(with_number(1)).in_context(with_number(2));
    assert_eq!(pollster::block_on(twice), 1);
}

#[test]
fn a_panic_in_a_poll_leaves_the_caller_s_context_and_keeps_the_future_s() {
    isolated(|| {
        NUMBER.set(100);
        let mut future = Box::pin(
            async {
                NUMBER.set(2);
                yielding().await;
                NUMBER.set(3);
                panic!("number {}", NUMBER.get());
            }
            .in_context(with_number(1)),
        );
        assert!(poll::<InContext<_>>(future.as_mut()).is_pending());
        assert_eq!(panic_of(|| poll(future.as_mut())).message, "number 3");
        assert_eq!((NUMBER.get(), future.context()[&NUMBER]), (100, 3));
        // It can be dropped, and even polled again, which is the future's own mistake.
        assert!(panic_of(|| poll(future.as_mut())).message.contains("resumed after"));
        drop(future);
        assert_eq!(NUMBER.get(), 100);
    });
}

#[test]
fn a_panic_in_the_drop_of_the_future_leaves_the_caller_s_context() {
    struct PanicsInDrop;
    impl Drop for PanicsInDrop {
        fn drop(&mut self) {
            panic!("dropped in {}", NUMBER.get());
        }
    }
    let census = Census::new();
    isolated(|| {
        NUMBER.set(100);
        let guard = PanicsInDrop;
        let future = async move { drop(guard) }.in_context(with_number(1).with(&COUNTED, census.citizen()));
        assert_eq!(panic_of(|| drop(future)).message, "dropped in 1");
        assert_eq!((NUMBER.get(), census.alive()), (100, 0));
    });
}

#[test]
fn into_parts_gives_future_and_context_back() {
    let census = Census::new();
    let mut work = Box::pin(three_steps()).in_context(with_number(1).with(&COUNTED, census.citizen()));
    assert!(poll(Pin::new(&mut work)).is_pending());
    let (future, ctx) = work.into_parts();
    assert_eq!((ctx[&NUMBER], ctx.len(), census.alive()), (2, 2, 1));
    // Both go on apart.
    isolated(|| assert_eq!(pollster::block_on(future), 2));
    assert_eq!(ctx[&NUMBER], 2);
    drop(ctx);
    assert_eq!(census.alive(), 0);
}

#[test]
fn into_parts_neither_polls_nor_drops() {
    let seen = RefCell::new(Vec::new());
    let (witness, _) = Witness { polls: 1, seen: &seen }.in_context(with_number(1)).into_parts();
    assert!(seen.borrow().is_empty());
    with_number(5).run(|| drop(witness));
    assert_eq!(seen.into_inner(), [("drop", 5)]);
}

#[test]
fn context_mut_changes_what_the_next_poll_sees() {
    let mut future = pin!(three_steps().in_context(with_number(1)));
    assert!(poll(future.as_mut()).is_pending());
    *future.as_mut().context_mut() = with_number(10);
    future.as_mut().context_mut().run(|| NUMBER.set(NUMBER.get() + 10));
    assert!(poll(future.as_mut()).is_pending());
    assert_eq!(future.context()[&NUMBER], 21);
}

#[test]
fn a_token_of_one_poll_is_good_in_the_next() {
    let future = async {
        let token = NUMBER.set(2);
        yielding().await;
        NUMBER.reset(token).map_err(|_| ())?;
        let guard = NUMBER.set_scoped(3);
        drop(guard);
        Ok::<_, ()>(NUMBER.get())
    };
    assert_eq!(pollster::block_on(future.in_context(with_number(1))), Ok(1));
}

#[test]
fn a_future_may_be_polled_on_one_thread_and_dropped_on_another() {
    struct Tells(mpsc::Sender<(thread::ThreadId, u32)>);
    impl Drop for Tells {
        fn drop(&mut self) {
            self.0.send((thread::current().id(), NUMBER.get())).expect("the test listens");
        }
    }
    let (sender, seen) = mpsc::channel();
    let tells = Tells(sender);
    let mut future = Box::pin(
        async move {
            let _tells = tells;
            NUMBER.set(NUMBER.get() + 1);
            yielding().await;
            NUMBER.set(NUMBER.get() + 1);
            yielding().await;
        }
        .in_context(with_number(1)),
    );
    assert!(poll(future.as_mut()).is_pending());
    let mut future = on_a_thread(move || {
        assert!(poll(future.as_mut()).is_pending());
        future
    });
    assert_eq!(future.as_mut().context_mut()[&NUMBER], 3);
    let dropped_on = on_a_thread(move || {
        drop(future);
        assert!(!NUMBER.is_set());
        thread::current().id()
    });
    assert_eq!(seen.recv(), Ok((dropped_on, 3)));
}

/// A value that leaves its number in `LAST_DROPPED` of the context it is dropped in.
struct Leaves(u32);

impl Drop for Leaves {
    fn drop(&mut self) {
        LAST_DROPPED.set(self.0);
    }
}

#[context_var]
static LEAVES: Leaves;

#[context_var]
static LAST_DROPPED: u32;

#[test]
fn a_future_that_moves_from_thread_to_thread_keeps_what_its_values_do_to_itself() {
    let mut future = Box::pin(
        async {
            let outermost = LEAVES.set(Leaves(0));
            for n in 1..=20 {
                drop(LEAVES.set(Leaves(n)));
                assert_eq!(LAST_DROPPED.get(), n - 1);
                yielding().await;
                // Set on one thread, read and replaced on the next.
                assert_eq!(LEAVES.with(|value| value.0), n);
                let token = LEAVES.set(Leaves(100));
                yielding().await;
                LEAVES.reset(token).unwrap();
                assert_eq!(LAST_DROPPED.get(), 100);
                LAST_DROPPED.set(n - 1);
                yielding().await;
                LAST_DROPPED.set(n);
            }
            LEAVES.reset(outermost).unwrap();
            LAST_DROPPED.get()
        }
        .in_context(Context::new()),
    );
    let mut polls = 0;
    loop {
        let step;
        let thread = thread::spawn(move || {
            LAST_DROPPED.set(9_999);
            let step = poll(future.as_mut());
            assert_eq!((LAST_DROPPED.get(), LEAVES.is_set()), (9_999, false));
            (future, step)
        });
        (future, step) = thread.join().unwrap();
        polls += 1;
        if let Poll::Ready(last) = step {
            assert_eq!((last, polls), (20, 61));
            break;
        }
    }
    assert!(!LAST_DROPPED.is_set());
}

#[test]
fn a_future_that_panicked_is_dropped_in_its_context_on_any_thread() {
    struct Tells(mpsc::Sender<u32>);
    impl Drop for Tells {
        fn drop(&mut self) {
            self.0.send(NUMBER.get()).expect("the test listens");
        }
    }
    /// Keeps what it owns when its poll panics, as a future written by hand may.
    struct Panics(#[expect(dead_code, reason = "dropped with the future")] Tells);
    impl Future for Panics {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<()> {
            NUMBER.set(NUMBER.get() + 1);
            panic!("in a poll")
        }
    }
    let (sender, seen) = mpsc::channel();
    let mut future = Box::pin(Panics(Tells(sender)).in_context(with_number(1)));
    for _ in 0..2 {
        let panicked = panic_of(|| {
            let _: Poll<()> = poll(future.as_mut());
        });
        assert_eq!((panicked.message.as_str(), NUMBER.is_set()), ("in a poll", false));
    }
    on_a_thread(move || {
        NUMBER.set(50);
        drop(future);
        assert_eq!(NUMBER.get(), 50);
    });
    assert_eq!(seen.iter().collect::<Vec<_>>(), [3]);
}

/// Fails to compile where the type has the trait: which of the two `ask`s is meant is then ambiguous.
macro_rules! assert_has_not {
    ($type:ty: $trait:ident) => {{
        trait Ask<Answer> {
            fn ask() {}
        }
        impl<T> Ask<()> for T {}
        impl<T: $trait> Ask<u8> for T {}
        <$type as Ask<_>>::ask();
    }};
}

#[test]
fn a_wrapper_is_send_sync_and_unpin_exactly_if_what_it_wraps_is() {
    fn has_all<T: Send + Sync + Unpin>(_: T) {}
    has_all(future::ready(1).in_context(Context::new()));
    has_all(Box::pin(PhantomPinned).in_context(Context::new()));
    assert_has_not!(InContext<Rc<()>>: Send);
    assert_has_not!(InContext<Rc<()>>: Sync);
    assert_has_not!(InContext<Cell<()>>: Sync);
    assert_has_not!(InContext<PhantomPinned>: Unpin);
}

#[test]
fn whatever_is_not_a_future_can_be_wrapped_as_well() {
    let work = (|| NUMBER.get()).in_context(with_number(4));
    let (f, mut ctx) = work.into_parts();
    assert_eq!(ctx.run(f), 4);
}

#[test]
fn debug_shows_the_context() {
    assert_eq!(format!("{:?}", async {}.in_context(with_number(1))), "InContext { context: {NUMBER: 1}, .. }");
}
