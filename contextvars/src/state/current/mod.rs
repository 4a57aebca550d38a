//! The thread's current context. Only this module, with those below it, reads, changes and switches it.

pub(super) mod base;
pub(super) mod change;
mod end;
pub(super) mod entered;
pub(super) mod read;
pub(super) mod round_trip;
pub(super) mod scope;

use std::cell::{Cell, UnsafeCell};
use std::mem::{self, ManuallyDrop};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use self::read::Reader;
use super::State;
use super::mark::{Identity, Mark};
use super::value::Value;
use super::vars::Vars;

/// A thread's current context and who is reading it. It has no destructor, so it can be used while the thread goes
/// away, to the end.
///
/// `repr(C)` keeps a field between the values and the mark: side by side, the compiler moves the two in one go on the
/// way in and one by one on the way out, and a processor that loads 16 bytes just stored as twice 8 has to wait.
#[repr(C)]
struct Current {
    /// The values. [C1] A reference into this cell never outlives the function of this module that makes it, and no
    /// code from outside `state` runs meanwhile, an allocator's included. `ManuallyDrop`, or the thread-local would
    /// have a destructor; `BaseCleaner` frees the values.
    vars: UnsafeCell<ManuallyDrop<Vars<Value>>>,
    /// The live reader that began last on this thread, or null. [C2] Points into a frame of `with_value`.
    readers: Cell<*const Reader>,
    mark: Cell<Mark>,
    /// The identities this thread may still give out: the next, and where they end.
    identities: Cell<(u64, u64)>,
}

thread_local! {
    static CURRENT: Current = const {
        Current {
            vars: UnsafeCell::new(ManuallyDrop::new(Vars::new())),
            readers: Cell::new(ptr::null()),
            mark: Cell::new(Mark::BASE),
            identities: Cell::new((0, 0)),
        }
    };
}

// With a destructor, the thread-local would be out of reach once that has run, and every access would check for it.
const _: () = assert!(!mem::needs_drop::<Current>());

impl Current {
    /// The values, to look at.
    #[inline]
    fn vars(&self) -> &Vars<Value> {
        // SAFETY: [C1] the functions of this module use the result at once and run nobody's code meanwhile, so there is
        // no `&mut` to the cell; and the cell is this thread's alone.
        unsafe { &*self.vars.get() }
    }

    /// Makes `vars` the values, and the values `vars`. The caller has pinned the readers.
    #[inline]
    fn exchange_values(&self, vars: &mut Vars<Value>) {
        // SAFETY: [C1] no other reference into the cell is alive: all others ended with the function that made them,
        // and none of those calls code that could come here. This one does not outlive the swap, which runs nobody's
        // code. Readers do not borrow from the cell; they hold on to blocks.
        let values: &mut Vars<Value> = unsafe { &mut *self.vars.get() };
        mem::swap(values, vars);
    }

    /// Changes the values. `change` has them to itself: an allocator that uses variables finds itself in an empty
    /// context.
    ///
    /// No value may lose its last owner in `change`, or its destructor would find itself there, too. What an allocator
    /// has set there goes when the change is done, and its destructors may then do anything to the context: it must be
    /// whole by then.
    #[inline]
    fn change<R>(&self, change: impl FnOnce(&mut Vars<Value>) -> R) -> R {
        self.pin_readers();
        let mut vars = Vars::new();
        let mark = self.mark.replace(Mark::NEW);
        self.exchange_values(&mut vars);
        let result = change(&mut vars);
        self.exchange_values(&mut vars);
        self.mark.set(mark.changed());
        result
    }

    /// Makes `state` the current context, and returns the one that was. The caller has pinned the readers.
    #[inline]
    fn switch_to(&self, mut state: State) -> State {
        self.exchange_values(&mut state.vars);
        state.mark = self.mark.replace(state.mark);
        state
    }

    /// The current context's identity, given out now if nobody asked before.
    #[inline]
    fn identity(&self) -> Identity {
        match self.mark.get().identity() {
            Some(identity) => identity,
            None => self.new_identity(),
        }
    }

    /// Gives the current context, which has none, an identity.
    #[inline]
    fn new_identity(&self) -> Identity {
        let (mut next, mut end) = self.identities.get();
        if next == end {
            (next, end) = more_identities();
        }
        self.identities.set((next + 1, end));
        let identity = Identity::new(next);
        self.mark.set(self.mark.get().with_identity(identity));
        identity
    }

    #[inline]
    fn has_identity(&self, identity: Identity) -> bool {
        self.mark.get().identity() == Some(identity)
    }
}

/// Takes the next run of identities for a thread; threads meet here once in 4,096 contexts.
#[cold]
fn more_identities() -> (u64, u64) {
    const RUN: u64 = 1 << 12;
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // There are 59 bits for identities: a billion a second last for eighteen years.
    let first = NEXT.fetch_add(RUN, Ordering::Relaxed);
    (first, first + RUN)
}

/// A copy of the current context. One reference count.
#[inline]
pub(crate) fn snapshot() -> State {
    CURRENT.with(|current| State { vars: current.vars().clone(), mark: current.mark.get().of_copy() })
}

/// A number that no other living thread has; never 0.
pub(super) fn thread_mark() -> usize {
    CURRENT.with(|current| ptr::from_ref(current).addr())
}

#[cfg(test)]
mod tests;
