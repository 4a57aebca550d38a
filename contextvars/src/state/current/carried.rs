//! Carried state: what other libraries keep for each thread, as contexts take it along. No code here is unsafe.
//!
//! A *carrier* is the registration of one type of it. A captured value stands in its context under a hidden variable of
//! the carrier's, and is inherited and freed as any other value. [`Mark::is_carrying`] says that a context has some, and
//! has to make it current wherever it is entered; a copy of that context does not, though it holds the values.
//!
//! What `enter` returns, to be undone by `leave`, stays on its thread, in a list: so it need not be `Send`. An entry is
//! found by the *entering* it belongs to, a number that no other entering has that is under way on this thread: coroutines
//! may leave in another order than they entered.
//!
//! - Carriers' code runs while nothing of the thread-locals is borrowed, in the context that is entered. It never unwinds
//!   into its caller, which is in the middle of a switch [C5].
//! - Contexts that carriers' code enters or makes carry nothing. So there is no recursion.

use std::any::{Any, TypeId};
use std::cell::Cell;
use std::iter;
use std::mem::{self, ManuallyDrop};
use std::panic::{self, AssertUnwindSafe};
use std::sync::OnceLock;
use std::thread::LocalKey;

use super::super::contents::State;
use super::super::context_var::ContextVar;
use super::super::traits::Traits;
use super::super::value::Value;
use super::read;
use crate::variable::Variable;

/// State that another library keeps for each thread, such as a current span, as contexts carry it.
///
/// [`register`] makes contexts carry it; [the module](crate::carry) says which do.
///
/// # Examples
///
/// A logger that keeps its fields in a thread-local, and its carrier.
///
/// ```
/// use std::cell::RefCell;
///
/// use contextvars::carry::{self, Carried};
/// use contextvars::thread;
///
/// thread_local! {
///     static FIELDS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
/// }
///
/// struct Fields(Vec<String>);
///
/// impl Carried for Fields {
///     type Undo = Vec<String>;
///
///     fn capture() -> Option<Self> {
///         FIELDS.with_borrow(|fields| (!fields.is_empty()).then(|| Self(fields.clone())))
///     }
///     fn is_current(&self) -> bool {
///         FIELDS.with_borrow(|fields| *fields == self.0)
///     }
///     fn enter(&self) -> Option<Vec<String>> {
///         Some(FIELDS.replace(self.0.clone()))
///     }
///     fn leave(&self, before: Vec<String>) {
///         FIELDS.set(before);
///     }
/// }
///
/// carry::register::<Fields>();
/// FIELDS.with_borrow_mut(|fields| fields.push("request=7".to_owned()));
/// let seen = thread::spawn(|| FIELDS.with_borrow(Vec::clone)).join().unwrap();
/// assert_eq!(seen, ["request=7"]);
/// ```
pub trait Carried: Send + Sync + Sized + 'static {
    /// What [`leave`](Self::leave) needs to bring back what was there before. It stays on its thread. Kept in a box, which is
    /// an allocation for each entering, unless it has no size.
    type Undo: 'static;

    /// Returns what a child gets of the state of this thread. Returns `None` if there is nothing to carry: then the child
    /// leaves the state of its threads alone.
    fn capture() -> Option<Self>;

    /// Returns whether this is what [`capture`](Self::capture) would return. Then a child that inherits it shares it with its
    /// parent. Returns `false` unless it is implemented.
    fn is_current(&self) -> bool {
        false
    }

    /// Makes this the state of this thread. Returns `None` if it is so already: then [`leave`](Self::leave) is not called.
    fn enter(&self) -> Option<Self::Undo>;

    /// Brings back the state that this thread had before [`enter`](Self::enter). Drops `undo` unless it is implemented, which
    /// is right for a guard.
    fn leave(&self, undo: Self::Undo) {
        drop(undo);
    }
}

/// Makes contexts carry `T` from now on. Done again, it has no effect.
///
/// For the program's `main`; a library offers a function that calls this. The type that was registered first is entered
/// first, and left last. Contexts that were made before carry no `T`. A registration cannot be undone.
///
/// Takes no lock that a context waits for. [`Carried`] has an example.
pub fn register<T: Carried>() {
    let mut carrier = FIRST.get_or_init(Of::<T>::leaked);
    while carrier.carries() != TypeId::of::<T>() {
        carrier = carrier.next().get_or_init(Of::<T>::leaked);
    }
}

type Link = OnceLock<&'static dyn Carrier>;

/// The carrier that was registered first.
static FIRST: Link = OnceLock::new();

/// A carrier, whatever its type.
trait Carrier: Sync {
    fn carries(&self) -> TypeId;
    fn next(&self) -> &Link;
    /// Gives `state`, a child's, what is current. Returns `false` if there is nothing to carry.
    fn capture(&'static self, state: &mut State) -> bool;
    /// Takes away what `state`, a child's, has inherited.
    fn remove(&self, state: &mut State);
    /// Makes current what the current context carries. Returns `None` if that is nothing, or is current already.
    fn enter(&'static self) -> Option<Left>;
}

/// What a carrier's `enter` returned: no allocation if it has no size.
type Undo = Box<dyn Any>;

/// The carrier of one type.
struct Of<T> {
    variable: ContextVar<T>,
    next: Link,
}

impl<T: Carried> Of<T> {
    fn leaked() -> &'static dyn Carrier {
        let variable = Variable::declared("CARRIED", module_path!(), file!(), line!(), column!()).hidden();
        Box::leak(Box::new(Self { variable: ContextVar::declared(variable, None, Traits::NONE), next: Link::new() }))
    }
}

impl<T: Carried> Carrier for Of<T> {
    fn carries(&self) -> TypeId {
        TypeId::of::<T>()
    }

    fn next(&self) -> &Link {
        &self.next
    }

    fn capture(&'static self, state: &mut State) -> bool {
        if !state.get(&self.variable).is_some_and(T::is_current) {
            let Some(value) = T::capture() else { return false };
            state.insert(&self.variable, value);
        }
        true
    }

    fn remove(&self, state: &mut State) {
        state.remove(&self.variable);
    }

    fn enter(&'static self) -> Option<Left> {
        let value = read::share_value(&self.variable)?;
        let undo = value.downcast_ref::<T>()?.enter()?;
        Some(Left { value: Some(value), undo: Box::new(undo), leave: leave_value::<T> })
    }
}

fn leave_value<T: Carried>(value: Option<&Value>, undo: Undo) {
    if let (Some(value), Ok(undo)) = (value.and_then(Value::downcast_ref::<T>), undo.downcast()) {
        value.leave(*undo);
    }
}

/// Goes on with the suppression that [`enter`] has ended: that of as many calls as `undo` says.
fn suppress_again(_: Option<&Value>, undo: Undo) {
    if let Ok(suppressed) = undo.downcast::<isize>() {
        count(&SUPPRESSED, *suppressed);
    }
}

/// What is needed to leave something.
struct Left {
    /// What was entered. Coroutines may put another context here meanwhile, and so this is an owner of its own.
    value: Option<Value>,
    undo: Undo,
    /// Brings back what was there before, with the other two.
    leave: fn(Option<&Value>, Undo),
}

/// Something that was entered and is to be left.
struct Entry {
    entering: usize,
    /// Whether it was entered before all others of this entering.
    is_first: bool,
    /// Not dropped when the thread ends: other thread-locals may be gone by then.
    left: ManuallyDrop<Left>,
}

thread_local! {
    /// What this thread has entered, in that order.
    static ENTRIES: Cell<Vec<Entry>> = const { Cell::new(Vec::new()) };
    /// How many calls of carriers' code run, within one another or on the stacks of coroutines.
    static IN_CARRIER: Cell<isize> = const { Cell::new(0) };
    /// How many calls want children to carry nothing: none do unless that is above zero. Counted, because coroutines may
    /// end such calls in another order, also after they have been suspended in a context that ends the suppression.
    static SUPPRESSED: Cell<isize> = const { Cell::new(0) };
}

fn count(counter: &'static LocalKey<Cell<isize>>, change: isize) {
    counter.set(counter.get() + change);
}

/// How many panics are dropped, each of which the drop of the one before has raised. The next one is leaked.
const ROUNDS: usize = 64;

/// Calls `f`, which calls a carrier, and goes on if that panics: the panic hook has reported it.
fn caught(f: impl FnOnce()) {
    count(&IN_CARRIER, 1);
    if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(f)) {
        drop_panic(panic);
    }
    count(&IN_CARRIER, -1);
}

#[cold]
fn drop_panic(mut panic: Box<dyn Any + Send>) {
    for _ in 0..ROUNDS {
        match panic::catch_unwind(AssertUnwindSafe(|| drop(panic))) {
            Ok(()) => return,
            Err(next) => panic = next,
        }
    }
    mem::forget(panic);
}

/// The carriers in the order in which they were registered.
fn carriers() -> impl Iterator<Item = &'static dyn Carrier> {
    iter::successors(FIRST.get().copied(), |carrier| carrier.next().get().copied())
}

/// The context of a child, with what is carried as it is here and now. Three instructions if there are no carriers.
#[inline]
pub(crate) fn captured(state: State) -> State {
    if FIRST.get().is_some() { capture(state) } else { state }
}

#[cold]
#[inline(never)]
fn capture(mut state: State) -> State {
    let is_suppressed = IN_CARRIER.get() > 0 || SUPPRESSED.get() > 0;
    state.mark = state.mark.carrying_nothing();
    for carrier in carriers() {
        let mut is_captured = false;
        if !is_suppressed {
            caught(|| is_captured = carrier.capture(&mut state));
        }
        if is_captured {
            state.mark = state.mark.carrying();
        } else {
            caught(|| carrier.remove(&mut state));
        }
    }
    state
}

/// Takes away what a context has inherited, and does not carry.
pub(in super::super) fn remove_all(state: &mut State) {
    carriers().for_each(|carrier| caught(|| carrier.remove(state)));
}

/// Sees to it that children which are made on this thread carry nothing, until the result is dropped.
pub(crate) fn suppress() -> impl Drop {
    count(&SUPPRESSED, 1);
    scopeguard::guard((), |()| count(&SUPPRESSED, -1))
}

/// Calls `f`, and lets children that are made in it on this thread carry nothing: they do not keep a span open, and are in
/// none.
///
/// For code that starts work which outlives the request, such as the first use of a pool. `contextvars::tokio::spawn_detached`
/// does so by itself. An `async fn` that is called in `f` is run later, outside.
///
/// Other work that this thread comes to while `f` waits is not concerned, if its context carries something.
///
/// # Examples
///
/// ```
/// # use contextvars::{carry, thread};
/// # use std::cell::Cell;
/// # thread_local!(static NUMBER: Cell<u32> = const { Cell::new(0) });
/// # struct Number(u32);
/// # impl carry::Carried for Number {
/// #     type Undo = u32;
/// #     fn capture() -> Option<Self> { Some(Self(NUMBER.get())) }
/// #     fn enter(&self) -> Option<u32> { Some(NUMBER.replace(self.0)) }
/// #     fn leave(&self, before: u32) { NUMBER.set(before) }
/// # }
/// carry::register::<Number>();
/// NUMBER.set(7);
/// assert_eq!(thread::spawn(|| NUMBER.get()).join().unwrap(), 7);
/// let child = carry::suppressed(|| thread::spawn(|| NUMBER.get()));
/// assert_eq!(child.join().unwrap(), 0);
/// ```
pub fn suppressed<R>(f: impl FnOnce() -> R) -> R {
    let _suppressed = suppress();
    f()
}

/// Makes current what the current context carries. Returns whether there is something to [leave]. Never panics.
pub(super) fn enter(entering: usize) -> bool {
    if IN_CARRIER.get() > 0 {
        return false;
    }
    let mut is_first = true;
    let mut push = |left| {
        let entry = Entry { entering, is_first, left: ManuallyDrop::new(left) };
        // Taken out for it: an allocator that enters contexts comes here, and finds no entries, as it has none.
        let _ = ENTRIES.try_with(|entries| {
            let mut list = entries.take();
            list.push(entry);
            entries.set(list);
        });
        is_first = false;
    };
    // Where there is no place for what is to be undone, since this thread is about to end, nothing is carried.
    if ENTRIES.try_with(|_| ()).is_err() {
        return false;
    }
    let suppressed = SUPPRESSED.get();
    if suppressed > 0 {
        count(&SUPPRESSED, -suppressed);
        // A context that carries something belongs to other work, whose children are not meant.
        caught(|| push(Left { value: None, undo: Box::new(suppressed), leave: suppress_again }));
    }
    for carrier in carriers() {
        caught(|| {
            if let Some(left) = carrier.enter() {
                push(left);
            }
        });
    }
    !is_first
}

/// Brings back what was there before [`enter`], if there is something to bring back. Never panics.
#[inline]
pub(super) fn leave(entering: usize) {
    if FIRST.get().is_some() {
        leave_entries(entering);
    }
}

fn leave_entries(entering: usize) {
    while let Ok(Some(entry)) = ENTRIES.try_with(|entries| take_last(entries, entering)) {
        let Entry { is_first, left, .. } = entry;
        let Left { value, undo, leave } = ManuallyDrop::into_inner(left);
        caught(|| leave(value.as_ref(), undo));
        // It may be the last owner, after coroutines have left in another order.
        caught(|| drop(value));
        if is_first {
            return;
        }
    }
}

/// The last entry of an entering.
#[inline]
fn take_last(entries: &Cell<Vec<Entry>>, entering: usize) -> Option<Entry> {
    let mut list = entries.take();
    let entry = match list.last() {
        Some(entry) if entry.entering == entering => list.pop(),
        _ => list.iter().rposition(|entry| entry.entering == entering).map(|at| list.remove(at)),
    };
    entries.set(list);
    entry
}
