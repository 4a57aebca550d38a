//! The thread's current context. Only this module, with those below it, reads, changes and switches it.

pub(super) mod base;
pub(super) mod change;
pub(super) mod end;
pub(super) mod entered;
pub(super) mod read;
pub(super) mod round_trip;
pub(super) mod scope;

use std::cell::{Cell, UnsafeCell};
use std::mem::{self, ManuallyDrop};
use std::ptr;
#[cfg(target_has_atomic = "64")]
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(target_has_atomic = "64"))]
use std::sync::{Mutex, PoisonError};

use self::read::Reader;
use self::scope::Saved;
use super::State;
use super::mark::{Identity, Mark};
use super::value::Value;
use super::vars::Vars;

/// Values in the thread-local. `ManuallyDrop`, or the thread-local would have a destructor; `base::Cleaner` frees them.
type ValuesCell = UnsafeCell<ManuallyDrop<Vars<Value>>>;

/// A thread's current context and who is reading it. It has no destructor, so it can be used while the thread goes
/// away, to the end.
///
/// `repr(C)` keeps a field between the values and the mark. If they were adjacent, the compiler would store two words of
/// 8 bytes and load them back as one of 16, which defeats store-to-load forwarding.
#[repr(C)]
struct Current {
    /// The values of a context that was entered. None where the base context is current: its own are in `base`. [C1] A
    /// reference into this cell or the other never outlives the function of this module that makes it, and no code from
    /// outside `state` runs meanwhile, an allocator's included.
    values: ValuesCell,
    /// The live reader that began last on this thread, or null. [C2] Points into a frame of `with_value`.
    readers: Cell<*const Reader>,
    mark: Cell<Mark>,
    /// Where the current context came from, if nothing about it was changed since, or null. [C5] Only compared.
    place: Cell<*const ()>,
    /// The values of the thread's base context.
    base: ValuesCell,
    /// What open scopes were lent by contexts that were changed since.
    saved: Cell<ManuallyDrop<Vec<Saved>>>,
    /// The identities this thread may still give out: the next, and where they end.
    identities: Cell<(u64, u64)>,
}

thread_local! {
    static CURRENT: Current = const {
        Current {
            values: UnsafeCell::new(ManuallyDrop::new(Vars::new())),
            readers: Cell::new(ptr::null()),
            mark: Cell::new(Mark::BASE),
            place: Cell::new(ptr::null()),
            base: UnsafeCell::new(ManuallyDrop::new(Vars::new())),
            saved: Cell::new(ManuallyDrop::new(Vec::new())),
            identities: Cell::new((0, 0)),
        }
    };
}

/// Calls `f` with the thread's.
///
/// `LocalKey::with` is a call through a pointer where its closure is not inlined.
#[expect(clippy::inline_always, reason = "with a call around it, a poll takes twice the instructions")]
#[inline(always)]
fn with_current<R>(f: impl FnOnce(&Current) -> R) -> R {
    let current = CURRENT.with(ptr::from_ref);
    // SAFETY: the thread-local is initialised by a constant and has no destructor, so it is there, at this address, as
    // long as its thread runs, which is here; and the reference ends with the call.
    f(unsafe { &*current })
}

// With a destructor, the thread-local would be out of reach once that has run, and every access would check for it.
const _: () = assert!(!mem::needs_drop::<Current>());

impl Current {
    /// The values of the context that was entered last, to look at.
    #[inline]
    fn values(&self) -> &Vars<Value> {
        // SAFETY: [C1] the functions of this module use the result at once and run nobody's code meanwhile, so there is
        // no `&mut` to the cell; and the cell is this thread's alone.
        unsafe { &*self.values.get() }
    }

    /// The values of the thread's base context, to look at.
    #[inline]
    fn base_values(&self) -> &Vars<Value> {
        // SAFETY: [C1] as for `values`.
        unsafe { &*self.base.get() }
    }

    /// The cell in which the current context's values are changed.
    #[inline]
    fn changeable(&self) -> &ValuesCell {
        if self.mark.get().is_base() { &self.base } else { &self.values }
    }

    /// Makes `values` what is in the cell, and what is in the cell `values`. The caller has pinned the readers.
    #[inline]
    fn exchange(cell: &ValuesCell, values: &mut Vars<Value>) {
        // SAFETY: [C1] no other reference into the cell is alive: all others ended with the function that made them,
        // and none of those calls code that could come here. This one does not outlive the swap, which runs nobody's
        // code. Readers do not borrow from the cell; they hold on to blocks.
        let inside: &mut Vars<Value> = unsafe { &mut *cell.get() };
        mem::swap(inside, values);
    }

    /// Notes something else about the current context, which is not as it was in its place any more.
    #[inline]
    fn set_mark(&self, mark: Mark) {
        self.place.set(ptr::null());
        self.mark.set(mark);
    }

    /// Makes `state` the current context, and returns the one that was. The caller has pinned the readers, and says what
    /// the place is.
    ///
    /// Neither is dropped by whoever switches: to say so spares the code for it.
    #[inline]
    fn switch_to(&self, mut state: ManuallyDrop<State>) -> ManuallyDrop<State> {
        Self::exchange(&self.values, &mut state.vars);
        state.mark = self.mark.replace(state.mark);
        state
    }

    /// The current context's identity, given out now if nobody asked before.
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

    /// A copy of the current context's values, as the code at hand sees them.
    #[inline]
    fn copy_of_values(&self) -> Vars<Value> {
        let values = self.values();
        if values.is_empty() { self.copy_of_base() } else { values.clone() }
    }
}

/// Takes the next run of identities for a thread; threads meet here once in 4,096 contexts.
#[cold]
fn more_identities() -> (u64, u64) {
    const RUN: u64 = 1 << 12;
    // There are 58 bits for identities: a billion a second last for nine years.
    let first = count_on(RUN);
    (first, first + RUN)
}

/// Counts on by `run`, and returns what the count was; at first it is 1.
#[cfg(target_has_atomic = "64")]
fn count_on(run: u64) -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(run, Ordering::Relaxed)
}

/// The same for processors that cannot count so far in one step.
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

/// A number that no other living thread has; never 0.
pub(super) fn thread_mark() -> usize {
    with_current(|current| ptr::from_ref(current).addr())
}

#[cfg(test)]
mod tests;
