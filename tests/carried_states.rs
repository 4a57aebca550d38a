//! Carriers of a program's own: when they are called, what they may do, and what becomes of what they captured.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Poll, Waker};

use contextvars::carry::{self, Carried};
use contextvars::{
    Context, ContextExt, SharedContext, context_var, copy_context, inherit_context, round_trip, thread, tokio,
    with_context,
};

#[context_var(default = 0)]
static NUMBER: u64;
#[context_var(inherit = false)]
static PRIVATE: u64;

thread_local! {
    static FIRST: Cell<u64> = const { Cell::new(0) };
    static SECOND: Cell<u64> = const { Cell::new(0) };
    /// The calls of carriers, each with the value of `NUMBER` that it saw.
    static CALLS: RefCell<Vec<(&'static str, u64)>> = const { RefCell::new(Vec::new()) };
    static PANICS_IN: Cell<&'static str> = const { Cell::new("") };
}

fn called(name: &'static str) {
    CALLS.with_borrow_mut(|calls| calls.push((name, NUMBER.get())));
    if PANICS_IN.get() == name {
        // Unlike `panic!`, this prints nothing.
        resume_unwind(Box::new(name));
    }
}

/// State of the first library.
struct First(u64);

impl Carried for First {
    /// Neither `Send`, nor small.
    type Undo = ([u64; 9], Rc<u64>);

    fn capture() -> Option<Self> {
        called("capture first");
        (FIRST.get() != 0).then(|| Self(FIRST.get()))
    }

    fn is_current(&self) -> bool {
        called("is first current");
        self.0 == FIRST.get()
    }

    fn enter(&self) -> Option<Self::Undo> {
        if self.0 == FIRST.get() {
            return None;
        }
        called("enter first");
        Some(([0; 9], Rc::new(FIRST.replace(self.0))))
    }

    fn leave(&self, undo: Self::Undo) {
        assert_eq!(self.0, FIRST.replace(*undo.1));
        called("leave first");
    }
}

/// State of the second library, of which every child has one of its own.
struct Second(u64);

/// Brings back what was there before. A guard, as many libraries have one.
struct Back(u64);

impl Drop for Back {
    fn drop(&mut self) {
        SECOND.set(self.0);
        called("leave second");
    }
}

impl Carried for Second {
    type Undo = Back;

    fn capture() -> Option<Self> {
        called("capture second");
        (SECOND.get() != 0).then(|| Self(SECOND.get()))
    }

    fn enter(&self) -> Option<Back> {
        let back = Back(SECOND.replace(self.0));
        // It may use variables and contexts; none of these concerns a carrier.
        with_context!(NUMBER = 99, { inherit_context().run(|| drop(copy_context())) });
        called("enter second");
        Some(back)
    }
}

fn set_up() {
    carry::register::<First>();
    carry::register::<Second>();
    carry::register::<First>();
}

fn set_both(first: u64, second: u64) {
    FIRST.set(first);
    SECOND.set(second);
}

fn both() -> (u64, u64) {
    (FIRST.get(), SECOND.get())
}

/// A child's context with these, in which `NUMBER` is 7.
fn child(first: u64, second: u64) -> Context {
    let before = both();
    set_both(first, second);
    let context = with_context!(NUMBER = 7, { inherit_context() });
    set_both(before.0, before.1);
    CALLS.take();
    context
}

#[test]
fn the_type_registered_first_is_entered_first_and_left_last_in_the_context_that_carries_it() {
    set_up();
    let mut context = child(1, 2);
    assert_eq!(context.run(both), (1, 2));
    assert_eq!(both(), (0, 0));
    let calls = [("enter first", 7), ("enter second", 7), ("leave second", 7), ("leave first", 7)];
    assert_eq!(CALLS.take(), calls);
    // The values of the variables are those at the end.
    context.run(|| drop(NUMBER.set(8)));
    let calls = [("enter first", 7), ("enter second", 7), ("leave second", 8), ("leave first", 8)];
    assert_eq!(CALLS.take(), calls);
}

#[test]
fn what_is_current_already_is_neither_entered_nor_left() {
    set_up();
    let mut context = child(1, 2);
    FIRST.set(1);
    assert_eq!(context.run(both), (1, 2));
    assert_eq!(CALLS.take(), [("enter second", 7), ("leave second", 7)]);
    assert_eq!(both(), (1, 0));
}

#[test]
fn what_is_captured_is_captured_where_the_child_is_made_and_shared_while_it_is_current() {
    set_up();
    set_both(1, 0);
    let mut context = inherit_context();
    assert_eq!(CALLS.take(), [("capture first", 0), ("capture second", 0)]);
    set_both(5, 5);
    context.run(|| {
        CALLS.take();
        drop(inherit_context());
        assert_eq!(CALLS.take(), [("is first current", 0), ("capture second", 0)]);
        // Another state of the same library.
        FIRST.set(3);
        let mut inner = inherit_context();
        assert_eq!(CALLS.take(), [("is first current", 0), ("capture first", 0), ("capture second", 0)]);
        assert_eq!(inner.run(both), (3, 5));
        // None.
        FIRST.set(0);
        let mut none = inherit_context();
        FIRST.set(4);
        assert_eq!(none.run(both), (4, 5));
        FIRST.set(1);
    });
    assert_eq!(both(), (5, 5));
}

#[test]
fn a_child_that_captured_nothing_leaves_everything_alone() {
    set_up();
    let mut context = child(0, 0);
    set_both(3, 4);
    assert_eq!(context.run(both), (3, 4));
    assert_eq!(CALLS.take(), []);
}

#[test]
fn copies_scopes_and_empty_contexts_neither_capture_nor_enter() {
    set_up();
    set_both(1, 2);
    let mut copy = copy_context();
    let scoped = with_context!(NUMBER = 7, async { both() });
    let copied = async { both() }.in_current_context();
    let mut empty = Context::new().with(&NUMBER, 7);
    assert_eq!(CALLS.take(), []);
    set_both(3, 4);
    assert_eq!((copy.run(both), empty.run(both)), ((3, 4), (3, 4)));
    assert_eq!(now(scoped), (3, 4));
    assert_eq!(now(copied), (3, 4));
    assert_eq!(CALLS.take(), []);
    // Nor do those that are made within a child.
    let (mut copy, mut shared) = child(1, 2).run(|| (copy_context(), SharedContext::from(copy_context())));
    CALLS.take();
    assert_eq!((copy.run(both), shared.run(both).unwrap()), ((3, 4), (3, 4)));
    shared = SharedContext::from(child(1, 2));
    assert_eq!(shared.run(both).unwrap(), (1, 2));
    // And a scope leaves things as they are within the child.
    child(1, 2).run(|| {
        set_both(5, 6);
        assert_eq!(with_context!(NUMBER = 8, { both() }), (5, 6));
        assert_eq!(both(), (5, 6));
        set_both(1, 2);
    });
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut TaskContext::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn clones_of_a_childs_context_carry_what_it_does() {
    set_up();
    let context = child(1, 2);
    assert_eq!(context.run_copy(both), (1, 2));
    assert_eq!(context.clone().with(&NUMBER, 8).run(both), (1, 2));
    assert_eq!(context.clone().wrap(both)(), (1, 2));
    assert_eq!(std::thread::spawn(context.wrap_once(both)).join().unwrap(), (1, 2));
    assert_eq!(both(), (0, 0));
}

#[test]
fn values_that_are_not_inherited_do_not_keep_a_child_from_carrying() {
    set_up();
    set_both(1, 2);
    PRIVATE.set(1);
    let mut context = inherit_context();
    set_both(0, 0);
    assert_eq!(context.run(|| (both(), PRIVATE.is_set())), ((1, 2), false));
}

#[test]
fn a_future_is_polled_and_dropped_with_what_it_carries() {
    struct Seen(Rc<Cell<(u64, u64)>>);
    impl Drop for Seen {
        fn drop(&mut self) {
            self.0.set(both());
        }
    }

    set_up();
    let seen = Rc::new(Cell::new((0, 0)));
    let witness = Seen(Rc::clone(&seen));
    let mut future = Box::pin(
        async move {
            let _witness = witness;
            assert_eq!(both(), (1, 2));
            pending::<()>().await;
        }
        .in_context(child(1, 2)),
    );
    assert!(future.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())).is_pending());
    assert_eq!(both(), (0, 0));
    drop(future);
    assert_eq!((seen.get(), both()), ((1, 2), (0, 0)));
}

#[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_that_take_turns_on_threads_see_their_own() {
    set_up();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 1..=500 {
        let work = async move {
            for _ in 0..5 {
                tokio::task::yield_now().await;
                assert_eq!(both(), (number, number + 1));
                let inner = tokio::spawn(async { both() }).await.unwrap();
                assert_eq!(inner, (number, number + 1));
            }
        };
        tasks.spawn(work.in_context(child(number, number + 1)));
    }
    tasks.join_all().await;
    assert_eq!(both(), (0, 0));
}

#[test]
fn what_a_carrier_enters_is_entered_without_what_it_carries() {
    thread_local! {
        static OWN: RefCell<Option<Context>> = const { RefCell::new(None) };
        static SEEN: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
    }
    struct Entering;
    impl Carried for Entering {
        type Undo = ();
        fn capture() -> Option<Self> {
            (FIRST.get() == 1080).then_some(Self)
        }
        fn enter(&self) -> Option<()> {
            let mut own = OWN.take()?;
            SEEN.set(own.run(both));
            Some(())
        }
    }

    set_up();
    carry::register::<Entering>();
    OWN.set(Some(child(3, 4)));
    let mut context = child(1080, 2);
    context.run(|| assert_eq!(both(), (1080, 2)));
    assert_eq!(SEEN.get(), (1080, 2), "in the carrier's context nothing else is entered");
    // It is over: the next one is entered as usual.
    assert_eq!(child(3, 4).run(both), (3, 4));
}

#[test]
fn a_panic_in_a_carrier_stops_neither_the_work_nor_the_other_carriers() {
    set_up();
    let context = child(1, 2);
    set_both(3, 4);
    for (function, inside) in
        [("enter first", (3, 2)), ("enter second", (1, 4)), ("leave second", (1, 2)), ("leave first", (1, 2))]
    {
        let mut context = context.clone();
        PANICS_IN.set(function);
        let seen = context.run(both);
        PANICS_IN.set("");
        assert_eq!((seen, NUMBER.get()), (inside, 0), "{function}");
        assert_eq!(both(), (3, 4), "{function}");
        assert_eq!(context[&NUMBER], 7);
        assert_eq!(context.run(both), (1, 2), "it works the next time");
    }
    for (function, carried) in [("capture first", (5, 4)), ("capture second", (3, 6)), ("is first current", (3, 4))] {
        let mut context = context.clone();
        set_both(3, 4);
        let mut captured = context.run(|| {
            set_both(3, 4);
            PANICS_IN.set(function);
            let captured = inherit_context();
            PANICS_IN.set("");
            set_both(1, 2);
            captured
        });
        set_both(5, 6);
        let carried = if function == "is first current" { (5, 4) } else { carried };
        assert_eq!(captured.run(both), carried, "{function}");
        assert_eq!(both(), (5, 6), "{function}");
    }
}

#[test]
fn a_panic_of_the_work_leaves_what_was_entered_even_if_a_carrier_panics_then() {
    set_up();
    set_both(3, 4);
    for function in ["", "leave second", "leave first"] {
        let mut context = child(1, 2);
        let work = || {
            PANICS_IN.set(function);
            resume_unwind(Box::new("the work's"));
        };
        let result = catch_unwind(AssertUnwindSafe(|| context.run(work)));
        PANICS_IN.set("");
        assert_eq!(result.unwrap_err().downcast_ref::<&str>(), Some(&"the work's"));
        assert_eq!(both(), (3, 4), "{function}");
        assert_eq!(context.run(both), (1, 2));
    }
}

#[test]
fn a_panic_whose_payload_panics_on_being_dropped_stops_nothing_either() {
    struct Payload(u32);
    impl Drop for Payload {
        fn drop(&mut self) {
            if self.0 > 0 {
                resume_unwind(Box::new(Payload(self.0 - 1)));
            }
        }
    }
    struct Panicking;
    impl Carried for Panicking {
        type Undo = ();
        fn capture() -> Option<Self> {
            (FIRST.get() == 1077).then_some(Self)
        }
        fn enter(&self) -> Option<()> {
            resume_unwind(Box::new(Payload(1)))
        }
    }

    set_up();
    carry::register::<Panicking>();
    assert_eq!(child(1077, 2).run(both), (1077, 2));
    assert_eq!(both(), (0, 0));
}

#[test]
fn what_is_captured_lives_as_long_as_a_context_has_it() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    struct Counted;
    impl Drop for Counted {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, Ordering::Relaxed);
            // As all values, it is dropped where nothing is set, and sets nothing for others.
            assert_eq!(NUMBER.get(), 0);
            NUMBER.set(1);
        }
    }
    impl Carried for Counted {
        type Undo = ();
        fn capture() -> Option<Self> {
            (FIRST.get() == 1078).then(|| {
                ALIVE.fetch_add(1, Ordering::Relaxed);
                Self
            })
        }
        fn is_current(&self) -> bool {
            FIRST.get() == 1078
        }
        fn enter(&self) -> Option<()> {
            None
        }
    }
    carry::register::<Counted>();
    let alive = || ALIVE.load(Ordering::Relaxed);
    FIRST.set(1078);
    NUMBER.set(5);
    let mut context = inherit_context();
    assert_eq!(alive(), 1);
    let inner = context.run(inherit_context);
    assert_eq!(alive(), 1, "shared");
    let copy = context.run(copy_context);
    drop(context);
    drop(inner);
    assert_eq!(alive(), 1);
    drop(copy);
    assert_eq!(alive(), 0);
    // Not inherited any more: a context without it lets it go.
    let mut context = inherit_context();
    context.run(|| {
        FIRST.set(0);
        assert_eq!(alive(), 1);
        drop(inherit_context());
    });
    drop(context);
    assert_eq!((alive(), NUMBER.get()), (0, 5));
}

#[test]
fn children_carry_nothing_where_that_is_suppressed() {
    set_up();
    set_both(1, 2);
    let mut outer = inherit_context();
    set_both(0, 0);
    outer.run(|| {
        let (mut suppressed, mut nested) = carry::suppressed(|| {
            let nested = carry::suppressed(inherit_context);
            // What is entered meanwhile carries as ever.
            assert_eq!(inner_of_child(), (7, 8));
            (inherit_context(), nested)
        });
        let mut after = inherit_context();
        set_both(3, 4);
        assert_eq!((suppressed.run(both), nested.run(both), after.run(both)), ((3, 4), (3, 4), (1, 2)));
        set_both(1, 2);
    });
    // By panic, too.
    let result = catch_unwind(|| carry::suppressed(|| resume_unwind(Box::new(()))));
    assert!(result.is_err());
    set_both(1, 2);
    let mut context = inherit_context();
    set_both(0, 0);
    assert_eq!(context.run(both), (1, 2));
}

#[test]
fn what_a_thread_comes_to_while_it_suppresses_its_own_is_not_concerned() {
    set_up();
    set_both(1, 2);
    let mut of_another = child(3, 4);
    let mut own = inherit_context();
    set_both(0, 0);
    own.run(|| {
        carry::suppressed(|| {
            let mut made = of_another.run(|| {
                assert_eq!(carry::suppressed(inherit_context).run(both), (3, 4), "nothing is entered");
                inherit_context()
            });
            assert_eq!(std::thread::spawn(move || made.run(both)).join().unwrap(), (3, 4));
            // It goes on to be suppressed here.
            let mut made = inherit_context();
            assert_eq!(std::thread::spawn(move || made.run(both)).join().unwrap(), (0, 0));
        });
    });
}

/// What a child sees whose context was made on another thread.
fn inner_of_child() -> (u64, u64) {
    let make = || {
        set_both(7, 8);
        inherit_context()
    };
    std::thread::spawn(make).join().unwrap().run(both)
}

#[test]
fn a_round_trip_carries_what_is_current_and_is_undone_once() {
    set_up();
    let mut context = child(1, 2);
    context.run(|| {
        NUMBER.set(3);
        let there = round_trip(|| {
            NUMBER.set(NUMBER.get() + 1);
            both()
        });
        set_both(5, 6);
        assert_eq!(there().take_back(), (1, 2));
        assert_eq!((both(), NUMBER.get()), ((5, 6), 4));
        let there = round_trip(both);
        let returned = std::thread::spawn(there).join().unwrap();
        assert_eq!(returned.take_back(), (5, 6));
        set_both(1, 2);
    });
    assert_eq!(both(), (0, 0));
}

#[test]
fn a_round_trip_from_a_child_without_anything_current_carries_nothing() {
    set_up();
    child(1, 2).run(|| {
        set_both(0, 0);
        let there = round_trip(both);
        set_both(5, 6);
        assert_eq!(there().take_back(), (5, 6));
        set_both(1, 2);
    });
}

#[test]
fn a_child_within_a_child_is_undone_in_reverse() {
    set_up();
    let (mut outer, mut inner) = (child(1, 2), child(3, 4));
    outer.run(|| {
        assert_eq!(both(), (1, 2));
        inner.run(|| {
            assert_eq!(both(), (3, 4));
            child(5, 6).run(|| assert_eq!(both(), (5, 6)));
            assert_eq!(both(), (3, 4));
        });
        assert_eq!(both(), (1, 2));
    });
    assert_eq!(both(), (0, 0));
}

#[test]
fn contexts_do_not_show_what_they_carry() {
    set_up();
    set_both(1, 2);
    let mut context = inherit_context();
    assert!(context.is_empty() && context.iter().next().is_none());
    assert_eq!((context.len(), format!("{context:?}")), (0, "{}".to_owned()));
    assert_eq!(context, Context::new());
    assert!(context.diff(&Context::new()).is_empty());
    assert_eq!(serde_json::to_string(&context).unwrap(), "{}");
    context.run(|| drop(NUMBER.set(1)));
    assert_eq!((context.len(), format!("{context:?}")), (1, "{NUMBER: 1}".to_owned()));
    assert!(contextvars::variables().all(|variable| variable.name() != "CARRIED"));
}

#[test]
fn destructors_of_thread_locals_enter_contexts_to_the_end() {
    struct Late(Option<Context>);
    impl Drop for Late {
        fn drop(&mut self) {
            if let Some(mut context) = self.0.take() {
                // Whether the thread still has a place for what is to be undone depends on the order.
                let seen = context.run(|| (FIRST.get(), NUMBER.get()));
                assert!([(0, 7), (1, 7)].contains(&seen), "{seen:?}");
                assert_eq!(FIRST.get(), 0);
                drop(inherit_context());
            }
        }
    }
    thread_local! {
        static LATE: RefCell<Late> = const { RefCell::new(Late(None)) };
    }

    set_up();
    for is_first in [false, true] {
        let mut context = child(1, 2);
        let late = context.clone();
        let work = move || {
            if is_first {
                LATE.with_borrow_mut(|it| it.0 = Some(late));
                assert_eq!(context.run(both), (1, 2));
            } else {
                assert_eq!(context.run(both), (1, 2));
                LATE.with_borrow_mut(|it| it.0 = Some(late));
            }
        };
        std::thread::spawn(work).join().unwrap();
    }
}

#[test]
fn types_are_registered_once_by_however_many_threads() {
    static CAPTURES: AtomicUsize = AtomicUsize::new(0);
    struct Once;
    impl Carried for Once {
        type Undo = ();
        fn capture() -> Option<Self> {
            if FIRST.get() == 1079 {
                CAPTURES.fetch_add(1, Ordering::Relaxed);
            }
            None
        }
        fn enter(&self) -> Option<()> {
            None
        }
    }
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                set_up();
                carry::register::<Once>();
            });
        }
    });
    FIRST.set(1079);
    drop(inherit_context());
    assert_eq!(CAPTURES.load(Ordering::Relaxed), 1);
}
