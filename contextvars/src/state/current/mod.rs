//! The thread's current context. Only this module, with those below it, reads, changes and switches it.

pub(super) mod base;
pub(super) mod carried;
pub(super) mod change;
pub(super) mod end;
pub(super) mod entered;
pub(super) mod read;
pub(super) mod round_trip;
mod saved;
pub(super) mod scope;

use std::cell::{Cell, UnsafeCell};
use std::mem::{self, ManuallyDrop};
use std::ptr;
#[cfg(target_has_atomic = "64")]
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(target_has_atomic = "64"))]
use std::sync::{Mutex, PoisonError};

use super::contents::State;
use super::mark::{Identity, Mark};
use super::shared::Shared;
use super::trie::Trie;
use super::value::Value;

/// Values in the thread-local. `ManuallyDrop`, or the thread-local would have a destructor; `base::Cleaner` frees them.
///
/// [C1] A reference to the values ends with the function of this folder that creates it, and no code from outside `state`
/// runs meanwhile, not even an allocator. Only the thread itself can access the cell.
struct ValuesCell(UnsafeCell<ManuallyDrop<Trie<Value>>>);

impl ValuesCell {
    const fn new() -> Self {
        Self(UnsafeCell::new(ManuallyDrop::new(Trie::new())))
    }

    #[inline]
    fn get(&self) -> &Trie<Value> {
        // SAFETY: [C1] the callers use the result at once and call no other code meanwhile, so there is no `&mut`.
        unsafe { &*self.0.get() }
    }

    /// Calls `f`, a function below, with the values. The caller has pinned the readers, and neither allocated nor freed
    /// memory since: an allocator may switch to a coroutine that reads. `change` and `enter_copy_of_base` say why they need
    /// not.
    #[inline]
    fn with_mut<R>(&self, f: impl FnOnce(&mut Trie<Value>) -> R) -> R {
        // SAFETY: [C1] no other reference to the values is alive, and this one ends with `f`, which swaps words: it calls
        // no code that could come here. Readers do not borrow from the cell; they refer to the blocks of values.
        f(unsafe { &mut *self.0.get() })
    }

    /// Swaps the values. As for `with_mut`, the caller has pinned the readers.
    #[inline]
    fn exchange(&self, values: &mut Trie<Value>) {
        self.with_mut(|inside| mem::swap(inside, values));
    }

    /// Swaps `value` with the value under `id`. Returns `false` without a change if that would need a new node or a copy
    /// of one. As for `with_mut`, the caller has pinned the readers.
    ///
    /// No memory is allocated or freed. The nodes and the mark stay the same.
    #[inline]
    fn swap_in_place(&self, id: u32, value: &mut Option<Value>) -> bool {
        self.with_mut(|inside| inside.place(id).map(|place| mem::swap(place, value)).is_some())
    }
}

/// A thread's current context and its readers. It has no destructor, so it can be used until the very end of the
/// thread.
///
/// `repr(C)` keeps a field between the values and the mark. If they were adjacent, the compiler would store two words of
/// 8 bytes and load them back as one of 16, which defeats store-to-load forwarding.
#[repr(C)]
struct Current {
    /// The values of the entered context. Empty if the base context is current, whose values are in `base`.
    values: ValuesCell,
    /// The most recent live reader on this thread, or null. [C2] Points into a stack frame of `lend`.
    readers: Cell<*const Reader>,
    mark: Cell<Mark>,
    /// The place from which the current context was moved, if it is unchanged since, otherwise null. [C5] Only
    /// compared, never dereferenced.
    place: Cell<*const ()>,
    /// The values of the thread's base context.
    base: ValuesCell,
    /// The copy of the base context that the last scope has kept for the next one.
    base_copy: Cell<ManuallyDrop<BaseCopy>>,
    /// The values that open scopes were lent, of contexts that have been changed since.
    saved: Cell<ManuallyDrop<Option<Shared<Saved>>>>,
    /// The identities that this thread may still assign: the next one, and the end of the range.
    identities: Cell<(u64, u64)>,
}

/// The reference of one `with` call to the value that it reads.
///
/// [C3] Until it is `pinned`, the value has another owner: the thread's current context or its base context, or a change
/// of one that is under way. All code that changes or switches one pins all readers before a value can lose its owner.
struct Reader {
    value: ManuallyDrop<Value>,
    /// Whether this reader has become an owner of the value, which it then drops at its end.
    pinned: Cell<bool>,
    /// The next older live reader, or null. [C4] If this one is pinned, so are all older ones.
    outer: Cell<*const Reader>,
}

/// A copy of the base context, for the body of a scope: without the scope's bindings.
///
/// A scope keeps its copy for the next one, if it is as it was at first. So scopes that follow one another create and
/// free no nodes. It is the last owner of no value: the base context, which owns them, does not change while it exists.
#[derive(Default)]
struct BaseCopy {
    values: Trie<Value>,
    /// Whether the base context's values were visible; if not, there are none in the copy.
    was_visible: bool,
}

/// The values that a scope was lent, saved before the body's first change. There may be one for each open scope.
struct Saved {
    /// The identity of the context that the scope has entered.
    identity: Identity,
    values: Trie<Value>,
    /// What was saved before this.
    before: Option<Shared<Saved>>,
}

thread_local! {
    static CURRENT: Current = const {
        Current {
            values: ValuesCell::new(),
            readers: Cell::new(ptr::null()),
            mark: Cell::new(Mark::BASE),
            place: Cell::new(ptr::null()),
            base: ValuesCell::new(),
            base_copy: Cell::new(ManuallyDrop::new(BaseCopy { values: Trie::new(), was_visible: false })),
            saved: Cell::new(ManuallyDrop::new(None)),
            identities: Cell::new((0, 0)),
        }
    };
}

/// Calls `f` with this thread's current context.
///
/// `LocalKey::with` is a call through a pointer where its closure is not inlined.
#[expect(clippy::inline_always, reason = "with a call around it, a poll takes twice the instructions")]
#[inline(always)]
fn with_current<R>(f: impl FnOnce(&Current) -> R) -> R {
    let current = CURRENT.with(ptr::from_ref);
    // SAFETY: the thread-local is initialised by a constant and has no destructor, so it exists at this address as long
    // as its thread, which is this one; and the reference does not outlive the call.
    f(unsafe { &*current })
}

// With a destructor, the thread-local would be inaccessible once that has run, and every access would have to check for
// that.
const _: () = assert!(!mem::needs_drop::<Current>());

impl Current {
    /// The cell in which the current context's values are changed.
    #[inline]
    fn changeable(&self) -> &ValuesCell {
        if self.mark.get().is_base() { &self.base } else { &self.values }
    }

    /// Changes the mark of the current context, which then differs from the bits in its place.
    #[inline]
    fn set_mark(&self, mark: Mark) {
        self.place.set(ptr::null());
        self.mark.set(mark);
    }

    /// Makes `state` the current context, and returns the previous one. The caller has pinned the readers, and sets the
    /// place.
    ///
    /// `ManuallyDrop`, since the caller never drops either of them: that saves the code for the drop.
    #[inline]
    fn switch_to(&self, mut state: ManuallyDrop<State>) -> ManuallyDrop<State> {
        self.values.exchange(&mut state.values);
        state.mark = self.mark.replace(state.mark);
        state
    }

    /// The current context's identity, assigned now if it has none.
    #[inline]
    fn identity(&self) -> Identity {
        match self.mark.get().identity() {
            Some(identity) => identity,
            None => {
                let identity = self.next_identity();
                self.set_mark(self.mark.get().with_identity(identity));
                identity
            }
        }
    }

    /// An identity that no context has.
    #[inline]
    fn next_identity(&self) -> Identity {
        let (mut next, mut end) = self.identities.get();
        if next == end {
            (next, end) = more_identities();
        }
        self.identities.set((next + 1, end));
        Identity::new(next)
    }

    #[inline]
    fn has_identity(&self, identity: Identity) -> bool {
        self.mark.get().identity() == Some(identity)
    }

    /// A copy of the current context's values, as the running code sees them.
    #[inline]
    fn copy_of_values(&self) -> Trie<Value> {
        let values = self.values.get();
        if values.is_empty() { self.copy_of_base() } else { values.clone() }
    }
}

/// Takes the next range of identities for a thread; threads contend here only once in 4,096 contexts.
#[cold]
fn more_identities() -> (u64, u64) {
    const RUN: u64 = 1 << 12;
    // There are 58 bits for identities: at a billion per second, enough for nine years.
    let first = count_on(RUN);
    (first, first + RUN)
}

/// Adds `run` to the counter and returns its previous value; it starts at 1.
#[cfg(target_has_atomic = "64")]
fn count_on(run: u64) -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(run, Ordering::Relaxed)
}

/// The same for processors without 64-bit atomics.
#[cfg(not(target_has_atomic = "64"))]
fn count_on(run: u64) -> u64 {
    static NEXT: Mutex<u64> = Mutex::new(1);
    let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
    let first = *next;
    *next += run;
    first
}

/// A copy of the current context. One reference count.
#[inline]
pub(crate) fn snapshot() -> State {
    with_current(|current| State::of(current.copy_of_values(), current.mark.get().of_copy()))
}

#[cfg(test)]
mod tests;
