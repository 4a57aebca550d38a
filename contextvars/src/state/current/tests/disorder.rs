//! Contexts, readers and scopes that end in any order, as on the stacks of coroutines.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread;

use contextvars::context_var;

use super::super::super::value::Value;
use super::super::super::{Bound, Carried, Entered, Scope, State, captured, register, set, snapshot};
#[cfg(feature = "rayon")]
use super::super::super::{swap_in, swap_out};
use super::super::{Reader, with_current};
use super::expect_scopes_elsewhere;

/// A value that knows its text, and tells whether it lives: the count of one is of all values, the other its own.
struct Counted {
    text: String,
    _alive: Arc<()>,
    lives: Arc<()>,
}

#[context_var]
static NAME: Counted;

#[context_var]
static OTHER: Counted;

fn counted(text: &str, alive: &Arc<()>) -> Counted {
    Counted { text: text.to_owned(), _alive: Arc::clone(alive), lives: Arc::default() }
}

/// A context with a value for `NAME`.
fn named(text: &str, alive: &Arc<()>) -> State {
    let mut state = State::new();
    state.insert(&NAME, counted(text, alive));
    state
}

fn current_name() -> Option<String> {
    NAME.try_with(|name| name.text.clone()).ok()
}

/// A context entered from a place of its own, as on a coroutine's stack.
struct Place {
    state: *mut State,
    entered: Option<Entered<'static>>,
}

impl Place {
    fn enter(state: State) -> Self {
        let state = Box::into_raw(Box::new(state));
        // SAFETY: the place stays until `leave` has used the guard up.
        let entered = Entered::new(unsafe { &mut *state });
        Self { state, entered: Some(entered) }
    }

    /// Leaves, and returns what is in the place then.
    fn leave(mut self) -> State {
        self.entered.take().expect("it is used up here only").leave();
        // SAFETY: it came from a box, and no borrow of it is alive.
        *unsafe { Box::from_raw(self.state) }
    }
}

#[test]
fn contexts_that_are_left_in_order_come_back_to_their_places() {
    let alive = Arc::new(());
    let outer = Place::enter(named("outer", &alive));
    let inner = Place::enter(named("inner", &alive));
    assert_eq!(current_name().as_deref(), Some("inner"));
    assert_eq!(inner.leave().get(&NAME).expect("it is set").text, "inner");
    drop(set(&NAME, counted("outer, changed", &alive)).ok());
    assert_eq!(outer.leave().get(&NAME).expect("it is set").text, "outer, changed");
    assert_eq!(current_name(), None);
}

/// A context that comes out unchanged, at an address that a freed one had, must not be taken for that one.
#[test]
fn a_place_is_not_taken_for_the_owner_of_a_map_at_the_address_of_one_that_is_gone() {
    let alive = Arc::new(());
    let counting = Arc::clone(&alive);
    thread::spawn(move || {
        for _ in 0..20 {
            let x = Place::enter(named("x", &counting));
            let y = Place::enter(named("y", &counting));
            let z = Place::enter(named("z", &counting));
            let from_y = y.leave();
            // What was entered as `x` comes out here.
            drop(z.leave());
            // Perhaps where the values of `x` were.
            let w = Place::enter(named("w", &counting));
            let from_x = x.leave();
            assert_eq!(from_x.get(&NAME).expect("it is set").text, "w");
            drop(from_x);
            drop(w.leave());
            drop(from_y);
        }
    })
    .join()
    .expect("no panic");
    assert_eq!(Arc::strong_count(&alive), 1);
}

/// As coroutines that enter and leave in the same order do, on a thread where nothing was ever set.
#[test]
fn what_is_left_current_is_freed_when_its_thread_ends() {
    let alive = Arc::new(());
    let counting = Arc::clone(&alive);
    thread::spawn(move || {
        let x = Place::enter(named("x", &counting));
        let y = Place::enter(named("y", &counting));
        drop(x.leave());
        drop(y.leave());
        assert_eq!(current_name().as_deref(), Some("x"));
    })
    .join()
    .expect("no panic");
    assert_eq!(Arc::strong_count(&alive), 1);
}

thread_local! {
    /// What is entered on this thread of a library that tells one from another, as tracing does with spans.
    static ENTERED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    /// What the next child captures.
    static NEXT: RefCell<Option<Arc<()>>> = const { RefCell::new(None) };
}

/// Something of that library's.
struct Span {
    number: usize,
    _alive: Arc<()>,
}

impl Carried for Span {
    type Undo = Box<usize>;

    fn capture() -> Option<Self> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        NEXT.take().map(|alive| Self { number: NUMBER.fetch_add(1, Ordering::Relaxed), _alive: alive })
    }

    fn enter(&self) -> Option<Box<usize>> {
        ENTERED.with_borrow_mut(|entered| entered.push(self.number));
        Some(Box::new(self.number))
    }

    fn leave(&self, number: Box<usize>) {
        assert_eq!(*number, self.number, "what is left is what was entered");
        ENTERED.with_borrow_mut(|entered| {
            let at = entered.iter().rposition(|it| *it == *number).expect("it is entered");
            entered.remove(at);
        });
    }
}

/// A child's context, which carries something.
fn child(alive: &Arc<()>) -> State {
    NEXT.set(Some(Arc::clone(alive)));
    captured(snapshot().for_child())
}

#[test]
fn what_is_carried_is_left_once_in_whatever_order() {
    register::<Span>();
    let alive = Arc::new(());
    for order in [[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0], [2, 0, 0], [2, 1, 0]] {
        let alive = Arc::clone(&alive);
        // Some context may be left current, and ends with the thread.
        let thread = thread::spawn(move || {
            let mut places: Vec<_> = (0..3).map(|_| Place::enter(child(&alive))).collect();
            let mut entered = ENTERED.with_borrow(Vec::clone);
            for index in order {
                drop(places.remove(index).leave());
                entered.remove(index);
                assert_eq!(ENTERED.with_borrow(Vec::clone), entered);
            }
        });
        thread.join().expect("no panic");
    }
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[cfg(feature = "rayon")]
#[test]
fn what_contexts_carry_that_are_swapped_in_is_left_once_in_whatever_order() {
    register::<Span>();
    let alive = Arc::new(());
    for order in [[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0], [2, 0, 0], [2, 1, 0]] {
        let alive = Arc::clone(&alive);
        let thread = thread::spawn(move || {
            // Some context is left current; with a value of the thread's own, what frees that frees it, too.
            drop(set(&OTHER, counted("base", &alive)).ok());
            let mut contexts: Vec<_> = (0..3).map(|_| child(&alive)).collect();
            let mut entered_by: Vec<_> = contexts.iter_mut().map(swap_in).collect();
            let mut entered = ENTERED.with_borrow(Vec::clone);
            for index in order {
                let swapped_in = entered_by.remove(index);
                swap_out(&mut contexts.remove(index), swapped_in);
                entered.remove(index);
                assert_eq!(ENTERED.with_borrow(Vec::clone), entered);
            }
        });
        thread.join().expect("no panic");
    }
    assert_eq!(Arc::strong_count(&alive), 1);
}

/// A value whose destructor panics.
struct Panicking {
    _alive: Arc<()>,
}

impl Drop for Panicking {
    fn drop(&mut self) {
        panic::resume_unwind(Box::new(()));
    }
}

thread_local! {
    static PANICS_NEXT: RefCell<Option<Arc<()>>> = const { RefCell::new(None) };
}

impl Carried for Panicking {
    type Undo = ();

    fn capture() -> Option<Self> {
        PANICS_NEXT.take().map(|alive| Self { _alive: alive })
    }

    fn enter(&self) -> Option<()> {
        Some(())
    }
}

#[test]
fn a_carried_value_whose_last_owner_is_its_entry_may_panic_when_it_is_dropped() {
    register::<Panicking>();
    let alive = Arc::new(());
    let counting = Arc::clone(&alive);
    let thread = thread::spawn(move || {
        PANICS_NEXT.set(Some(Arc::clone(&counting)));
        let x = Place::enter(captured(named("x", &counting)));
        let y = Place::enter(named("y", &counting));
        let z = Place::enter(named("z", &counting));
        drop(y.leave());
        // What was entered as `x` comes out of the place of `z`, and ends before it is left.
        let from_z = z.leave();
        assert_eq!(from_z.get(&NAME).expect("it is set").text, "x");
        drop(from_z);
        // The place of `x` holds what was entered as `y`.
        assert_eq!(x.leave().get(&NAME).expect("it is set").text, "y");
        let last = Place::enter(named("last", &counting));
        assert_eq!(current_name().as_deref(), Some("last"));
        drop(last.leave());
    });
    thread.join().expect("no panic");
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn a_thread_s_own_context_comes_out_at_no_place() {
    let alive = Arc::new(());
    let counting = Arc::clone(&alive);
    thread::spawn(move || {
        drop(set(&NAME, counted("base", &counting)).ok());
        let x = Place::enter(named("x", &counting));
        let y = Place::enter(named("y", &counting));
        // Now the thread's own context is current, and what was entered as `x` comes to be so when `y` ends.
        drop(x.leave());
        assert_eq!(current_name().as_deref(), Some("base"));
        let from_y = Place::enter(y.leave());
        assert_eq!(current_name(), None);
        drop(from_y.leave());
    })
    .join()
    .expect("no panic");
    assert_eq!(Arc::strong_count(&alive), 1);
}

/// A sequence of numbers that looks random and is always the same.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }

    /// Takes one out of the list.
    fn take<T>(&mut self, from: &mut Vec<T>) -> Option<T> {
        if from.is_empty() { None } else { Some(from.swap_remove(self.below(from.len()))) }
    }
}

/// A reader on a stack of its own, and what it read when it began.
struct Reading {
    reader: *mut Reader,
    text: String,
    value_lives: Weak<()>,
}

impl Reading {
    fn begin() -> Option<Self> {
        let (text, value_lives) = NAME.try_with(|name| (name.text.clone(), Arc::downgrade(&name.lives))).ok()?;
        let value = with_current(|current| current.values.get().get(NAME.id()).map(Value::uncounted))?;
        let reader = Box::into_raw(Box::new(Reader::new(value)));
        with_current(|current| current.readers.set(reader));
        Some(Self { reader, text, value_lives })
    }

    fn end(self) {
        assert!(self.value_lives.strong_count() > 0, "a reader's value is not dropped");
        // SAFETY: the reader is alive until it is dropped below.
        let reader = unsafe { &*self.reader };
        // SAFETY: its value is one of `NAME`'s.
        let value: &Counted = unsafe { reader.value().as_typed() };
        assert_eq!(value.text, self.text, "a reader's value stays as it was");
        // SAFETY: it came from a box, and takes itself off the list.
        drop(unsafe { Box::from_raw(self.reader) });
    }
}

/// Does so many steps, each made up from the seed, and then ends what is open in any order.
fn wander(seed: u64, steps: usize, alive: &Arc<()>) {
    let mut numbers = Numbers(seed);
    let mut places = Vec::new();
    let mut readings = Vec::new();
    let mut scopes: Vec<Scope<1>> = Vec::new();
    let mut kept: Vec<State> = Vec::new();
    // Where a scope ends in another context than its own, it says so.
    let end_scope = |scope| drop(panic::catch_unwind(AssertUnwindSafe(|| drop(scope))));
    for step in 0..steps {
        let text = format!("{seed} {step}");
        match numbers.below(14) {
            0 | 1 => places.push(Place::enter(named(&text, alive))),
            2 => places.push(Place::enter(snapshot())),
            3 => places.extend(numbers.take(&mut kept).map(Place::enter)),
            4 | 5 => {
                let state = numbers.take(&mut places).map(Place::leave);
                if numbers.below(2) == 0 {
                    kept.extend(state);
                }
            }
            6 => drop(set(&NAME, counted(&text, alive)).ok()),
            7 => drop(set(&OTHER, counted(&text, alive)).ok()),
            8 => readings.extend(Reading::begin()),
            9 => numbers.take(&mut readings).into_iter().for_each(Reading::end),
            10 => kept.push(child(alive)),
            11 => places.push(Place::enter(child(alive))),
            12 => scopes.push(Scope::new([Bound::new(&NAME, counted(&text, alive))])),
            _ => numbers.take(&mut scopes).into_iter().for_each(end_scope),
        }
    }
    while !(places.is_empty() && readings.is_empty() && scopes.is_empty()) {
        match numbers.below(3) {
            0 => drop(numbers.take(&mut places).map(Place::leave)),
            1 => numbers.take(&mut readings).into_iter().for_each(Reading::end),
            _ => numbers.take(&mut scopes).into_iter().for_each(end_scope),
        }
    }
    assert_eq!(ENTERED.take(), [0; 0], "all that was entered was left");
}

#[test]
fn whatever_the_order_readers_keep_their_values_and_everything_is_freed_once() {
    let (seeds, steps) = if cfg!(miri) { (100..116, 70) } else { (0..400, 200) };
    expect_scopes_elsewhere();
    register::<Span>();
    for seed in seeds {
        let alive = Arc::new(());
        let counting = Arc::clone(&alive);
        thread::spawn(move || wander(seed, steps, &counting)).join().expect("no panic");
        assert_eq!(Arc::strong_count(&alive), 1, "seed {seed}");
    }
}
