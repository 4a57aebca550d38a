//! Carried state: what other libraries keep for each thread, as contexts take it along. No code here is unsafe.
//!
//! A *carrier* is the registration of one type of it. A captured value stands in its context under a hidden variable of
//! the carrier's, and is inherited and freed as any other value. [`Mark::is_carrying`] says that a context has some, and
//! has to make it current wherever it is entered; a copy of that context does not, though it holds the values.
//!
//! What `enter` returns, to be undone by `leave`, stays on its thread, in a list: so it need not be `Send`. Calls of
//! [`suppressed`] are in the same list. An entry is found by its *number*, which is unique among the entries of its thread:
//! coroutines may leave in another order than they entered.
//!
//! - Carriers' code runs while nothing of the thread-locals is borrowed. It never unwinds into its caller, which is in the
//!   middle of a switch [C5].
//! - Contexts that carriers' code enters or makes carry nothing. So there is no recursion.

use std::any::{Any, TypeId};
use std::cell::Cell;
use std::iter;
use std::mem::{self, ManuallyDrop};
use std::panic::{self, AssertUnwindSafe};
use std::sync::OnceLock;

use super::super::contents::State;
use super::super::context_var::ContextVar;
use super::super::traits::Traits;
use super::super::value::Value;
use super::{Current, read, with_current};
use crate::variable::Variable;

/// State that another library keeps for each thread, such as a current span, as contexts carry it.
///
/// [`register`] makes contexts carry it; [the module](crate::carry) says which do.
///
/// The functions return to their caller before other work of the thread goes on: none may suspend a coroutine with a stack
/// of its own. While one is suspended, its thread carries nothing, or what belongs to other work.
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
    fn enter(&self) -> Option<Left>;
}

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

    fn enter(&self) -> Option<Left> {
        let value = read::share_value(&self.variable)?;
        let undo = value.downcast_ref::<T>()?.enter()?;
        Some(Left { value, undo: Box::new(UndoOf::<T>(undo)) })
    }
}

/// What is needed to leave something.
struct Left {
    /// What was entered. Coroutines may put another context here meanwhile, and so this is an owner of its own.
    value: Value,
    /// What `enter` returned: no allocation if it has no size.
    undo: Box<dyn Undo>,
}

/// What the `enter` of a type of carried state returned.
trait Undo {
    /// Brings back what was current before `value` was entered.
    fn leave(self: Box<Self>, value: &Value);
}

struct UndoOf<T: Carried>(T::Undo);

impl<T: Carried> Undo for UndoOf<T> {
    fn leave(self: Box<Self>, value: &Value) {
        if let Some(value) = value.downcast_ref::<T>() {
            value.leave(self.0);
        }
    }
}

enum Kind {
    /// A context that carries was entered. `None` if nothing is to be left, but a suppression ends here.
    Entered(Option<Left>),
    /// Children carry nothing while this is the last entry.
    Suppressed,
}

/// Something that this thread has begun and is to end.
struct Entry {
    number: usize,
    /// Whether it is the first with its number.
    is_first: bool,
    kind: Kind,
}

/// `ManuallyDrop`, so that entries can be left to the very end of the thread. Those that never are, are not dropped: other
/// thread-locals may be gone by then.
type Entries = ManuallyDrop<Vec<Entry>>;

thread_local! {
    /// What this thread has begun, in that order.
    static ENTRIES: Cell<Entries> = const { Cell::new(ManuallyDrop::new(Vec::new())) };
    static CLEANER: Cleaner = const { Cleaner };
    /// How many calls of carriers' code run, within one another or on the stacks of coroutines.
    static IN_CARRIER: Cell<usize> = const { Cell::new(0) };
}

/// Frees the memory of the list when its thread ends, if nothing is left to be ended.
struct Cleaner;

impl Drop for Cleaner {
    fn drop(&mut self) {
        drop(with_entries(take_if_empty));
    }
}

/// Takes the memory of the list, if nothing is in it.
fn take_if_empty(list: &mut Vec<Entry>) -> Vec<Entry> {
    if list.is_empty() { mem::take(list) } else { Vec::new() }
}

/// Whether the thread's cleaner is still to run.
#[inline]
fn will_be_cleaned_up() -> bool {
    CLEANER.try_with(|_| ()).is_ok()
}

/// Calls `f`, which neither allocates nor frees memory, with the list.
#[inline]
fn with_entries<R>(f: impl FnOnce(&mut Vec<Entry>) -> R) -> R {
    let mut list = ENTRIES.take();
    let result = f(&mut list);
    ENTRIES.set(list);
    result
}

/// How many panics are dropped, each of which the drop of the one before has raised. The next one is leaked.
const ROUNDS: usize = 64;

/// Calls `f`, which calls a carrier, and goes on if that panics: the panic hook has reported it.
fn caught(f: impl FnOnce()) {
    IN_CARRIER.set(IN_CARRIER.get() + 1);
    if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(f)) {
        drop_panic(panic);
    }
    IN_CARRIER.set(IN_CARRIER.get() - 1);
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
    let captures = IN_CARRIER.get() == 0 && !is_suppressed();
    state.mark = state.mark.carrying_nothing();
    for carrier in carriers() {
        let mut is_captured = false;
        if captures {
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
    let number = number_without_place();
    // What is called for its effect: installing the cleaner.
    let _: bool = will_be_cleaned_up();
    push(Entry { number, is_first: true, kind: Kind::Suppressed });
    scopeguard::guard(number, |number| drop(take_last(number)))
}

#[inline]
fn is_suppressed() -> bool {
    with_entries(|list| list.last().is_some_and(|last| matches!(last.kind, Kind::Suppressed)))
}

/// Calls `f`, and lets children that are made in it on this thread carry nothing: they do not keep a span open, and take
/// none along.
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
pub(super) fn enter(number: usize) -> bool {
    // On a thread that is about to end, nothing is carried: what a carrier needs may be gone.
    if IN_CARRIER.get() > 0 || !will_be_cleaned_up() {
        return false;
    }
    let mut is_first = true;
    let mut push = |left| {
        push(Entry { number, is_first, kind: Kind::Entered(left) });
        is_first = false;
    };
    if is_suppressed() {
        // A context that carries something belongs to other work, whose children are not meant.
        caught(|| push(None));
    }
    for carrier in carriers() {
        caught(|| {
            if let Some(left) = carrier.enter() {
                push(Some(left));
            }
        });
    }
    !is_first
}

/// Brings back what was there before [`enter`], if there is something to bring back. Never panics.
#[inline]
pub(super) fn leave(number: usize) {
    if FIRST.get().is_some() {
        leave_entries(number);
    }
}

fn leave_entries(number: usize) {
    while let Some(Entry { is_first, kind, .. }) = take_last(number) {
        if let Kind::Entered(Some(Left { value, undo })) = kind {
            caught(|| undo.leave(&value));
            if !read::is_shared(&value) {
                // It may be the last owner, after coroutines have left in another order. So it ends as a context's values do.
                caught(|| drop(State::of_value(value)));
            }
        }
        if is_first {
            return;
        }
    }
}

/// A number for an entry whose context has no place: an odd one, so that it differs from the address of every place.
pub(super) fn number_without_place() -> usize {
    with_current(Current::next_identity).number_as_usize() << 1 | 1
}

/// Puts an entry at the end of the list.
#[inline]
fn push(entry: Entry) {
    while !has_room() {
        make_room();
    }
    with_entries(|list| list.push(entry));
}

#[inline]
fn has_room() -> bool {
    with_entries(|list| list.len() < list.capacity())
}

/// Moves the list to where it has room for more. Memory is allocated and freed while the list is in its place: an allocator
/// may switch to a coroutine that uses it.
#[cold]
fn make_room() {
    let mut larger = Vec::with_capacity(with_entries(|list| 2 * list.len() + 4));
    with_entries(|list| {
        if list.len() < larger.capacity() {
            larger.append(list);
            mem::swap(list, &mut larger);
        }
    });
}

/// The last entry with this number.
fn take_last(number: usize) -> Option<Entry> {
    let (entry, _freed) = with_entries(|list| {
        let entry = match list.last() {
            Some(entry) if entry.number == number => list.pop(),
            _ => list.iter().rposition(|entry| entry.number == number).map(|at| list.remove(at)),
        };
        (entry, if will_be_cleaned_up() { Vec::new() } else { take_if_empty(list) })
    });
    entry
}
