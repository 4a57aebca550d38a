//! The thread's current context: the only place that reads, changes and switches it.

pub(super) mod entered;
pub(super) mod scope;

use std::cell::{Cell, UnsafeCell};
use std::mem::{self, ManuallyDrop};
use std::panic::{self, AssertUnwindSafe};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use super::declared::ContextVar;
use super::mark::{Identity, Mark};
use super::value::{Held, Place, Value};
use super::vars::Vars;
use super::{State, Update};
use crate::bleeding;
use crate::variable::Variable;

/// A thread's current context and who is reading it. It has no destructor, so it can be used while the thread goes
/// away, to the end.
///
/// `repr(C)` keeps a field between the values and the mark: side by side, the compiler moves the two in one go on the way
/// in and one by one on the way out, and a processor that loads 16 bytes just stored as twice 8 has to wait.
#[repr(C)]
struct Current {
    /// The values. [C1] A reference into this cell never outlives the function of this file that makes it, and no code
    /// from outside `state` runs meanwhile, an allocator's included.
    /// `ManuallyDrop`, or the thread-local would have a destructor; `BaseCleaner` frees the values.
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

/// One `with` call's hold on the value it is reading.
///
/// [C3] Until it is `pinned`, the value is owned by the thread's current context, which has not been changed or
/// switched since the reader began. Whatever is about to do either pins all readers first.
struct Reader {
    value: Place,
    /// Whether this reader owns the value by now, and gives it up in the end.
    pinned: Cell<bool>,
    /// The live reader that began last before this one, or null. [C4] If this one is pinned, so are all outer ones.
    outer: Cell<*const Reader>,
}

impl Drop for Reader {
    /// Runs on the way out of `with`, by panic too.
    #[inline]
    fn drop(&mut self) {
        CURRENT.with(|current| current.take_off(self));
        if self.pinned.get() {
            drop(self.take_back());
        }
    }
}

impl Reader {
    /// The ownership that pinning took.
    #[cold]
    fn take_back(&self) -> Value {
        // SAFETY: [C3] `pin_live_readers` counted this reader as an owner, once, and only its `Drop` gets here.
        unsafe { self.value.take_over() }
    }
}

impl Current {
    /// The values, to look at.
    #[inline]
    fn vars(&self) -> &Vars<Value> {
        // SAFETY: [C1] the functions of this file use the result at once and run nobody's code meanwhile, so there is
        // no `&mut` to the cell; and the cell is this thread's alone.
        unsafe { &*self.vars.get() }
    }

    /// Makes `vars` the values, and the values `vars`. The caller has pinned the readers.
    #[inline]
    fn exchange(&self, vars: &mut Vars<Value>) {
        // SAFETY: [C1] no other reference into the cell is alive: all others ended with the function that made them, and
        // none of those calls code that could come here. This one does not outlive the swap, which runs nobody's code.
        // Readers do not borrow from the cell; they hold on to blocks.
        let values: &mut Vars<Value> = unsafe { &mut *self.vars.get() };
        mem::swap(values, vars);
    }

    /// Changes the values. `change` has them to itself: an allocator that uses variables finds itself in an empty context.
    ///
    /// No value may lose its last owner in `change`, or its destructor would find itself there, too.
    #[inline]
    fn change<R>(&self, change: impl FnOnce(&mut Vars<Value>) -> R) -> R {
        self.pin_readers();
        let mut vars = Vars::new();
        let mark = self.mark.replace(Mark::NEW);
        self.exchange(&mut vars);
        let result = change(&mut vars);
        self.exchange(&mut vars);
        self.mark.set(mark.changed());
        result
    }

    /// Makes `state` the current context, and returns the one that was. The caller has pinned the readers.
    #[inline]
    fn replace(&self, mut state: State) -> State {
        self.exchange(&mut state.vars);
        state.mark = self.mark.replace(state.mark);
        state
    }

    /// Makes every live reader an owner of what it reads, so that the context may be changed or switched.
    #[inline]
    fn pin_readers(&self) {
        if !self.readers.get().is_null() {
            self.pin_live_readers();
        }
    }

    #[cold]
    fn pin_live_readers(&self) {
        let mut next = self.readers.get();
        // SAFETY: [C2] every reader in the list is alive: `Reader::drop` takes itself off, and readers never leave the
        // frame of `with_value`.
        while let Some(reader) = unsafe { next.as_ref() } {
            if reader.pinned.replace(true) {
                // [C4] those further out are pinned already.
                return;
            }
            // SAFETY: [C3] not pinned yet, so the current context still owns the value.
            unsafe { reader.value.retain() };
            next = reader.outer.get();
        }
    }

    /// Takes a reader that ends off the list.
    #[inline]
    fn take_off(&self, reader: &Reader) {
        if ptr::eq(self.readers.get(), reader) {
            self.readers.set(reader.outer.get());
        } else {
            self.take_off_from_within(reader);
        }
    }

    /// Readers end in the reverse order of their beginning, unless they are on several stacks: coroutines that take
    /// turns on one thread can be left in any order.
    #[cold]
    fn take_off_from_within(&self, reader: &Reader) {
        let mut next = self.readers.get();
        // SAFETY: [C2] every reader in the list is alive.
        while let Some(later) = unsafe { next.as_ref() } {
            if ptr::eq(later.outer.get(), reader) {
                later.outer.set(reader.outer.get());
                return;
            }
            next = later.outer.get();
        }
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

    /// Changes the values for good: what a scope has lent is kept for it first.
    #[inline]
    fn change_for_good<R>(&self, change: impl FnOnce(&mut Vars<Value>) -> R) -> R {
        if self.mark.get().is_lent() {
            self.change(scope::keep);
            self.mark.set(self.mark.get().with_kept());
        }
        self.change(change)
    }

    /// Whether values set now would be lost: the thread is going away and has given up its base context.
    #[inline]
    fn is_gone(&self) -> bool {
        self.mark.get().is_base() && BASE_CLEANER.try_with(|_| ()).is_err()
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

/// Runs `f` on the variable's value in the current context, or gives it back if there is none.
///
/// No reference count moves, and nothing is borrowed from the context while `f` runs.
#[inline]
pub(crate) fn with_value<T, R, F: FnOnce(&T) -> R>(var: &ContextVar<T>, f: F) -> Result<R, F> {
    let Some(value) = CURRENT.with(|current| current.vars().get(var.id()).map(Value::place)) else {
        return Err(f);
    };
    let reader =
        Reader { value, pinned: Cell::new(false), outer: Cell::new(CURRENT.with(|current| current.readers.get())) };
    CURRENT.with(|current| current.readers.set(&raw const reader));
    // SAFETY: [V1] under a variable's id there are only values of that variable. [C3] the value stays alive while
    // `reader` does: nobody's code ran between finding it and listing the reader, so the context owns it still, until pinning
    // makes `reader` its owner; and `reader` outlives the call of `f`.
    let value = unsafe { value.as_typed() };
    Ok(f(value))
}

/// A clone of the variable's value in the current context. `None`: it has no value there, or its type is one of the rare
/// ones that have neither a destructor nor `Copy`; then [`not_copied`] knows.
#[inline]
pub(crate) fn cloned<T: Clone>(var: &ContextVar<T>) -> Option<T> {
    if const { mem::needs_drop::<T>() } { with_value(var, T::clone).ok() } else { copied(var) }
}

/// A bit-by-bit copy of the variable's value, if its type is `Copy`. No reader is needed: copying runs nobody's code.
#[inline]
fn copied<T>(var: &ContextVar<T>) -> Option<T> {
    CURRENT.with(|current| {
        let value = current.vars().get(var.id_if_copy())?;
        // SAFETY: [V1] under a variable's id there are only values of that variable.
        let value = unsafe { value.as_typed() };
        // SAFETY: [V4] there is a value under this id, so the type is `Copy`.
        Some(unsafe { ptr::read(value) })
    })
}

/// What [`cloned`] did not find. Apart from it, so that reads of `Copy` types stay small.
#[inline]
pub(crate) fn not_copied<T: Clone>(var: &ContextVar<T>) -> Option<T> {
    if const { mem::needs_drop::<T>() } || var.is_copy() {
        return None;
    }
    with_value(var, T::clone).ok()
}

/// Whether the variable has a value in the current context.
pub(crate) fn is_set<T>(var: &ContextVar<T>) -> bool {
    CURRENT.with(|current| current.vars().get(var.id()).is_some())
}

/// What a set did: the value it replaced, and where.
pub(crate) struct Replaced<T> {
    pub(crate) old: Option<Held<T>>,
    pub(crate) identity: Identity,
}

/// Sets the variable in the current context. Refused, with the value, where other tasks would see it.
#[inline]
pub(crate) fn set<T: Send + Sync + 'static>(var: &'static ContextVar<T>, value: T) -> Result<Replaced<T>, T> {
    CURRENT.with(|current| {
        if current.mark.get().is_base() && bleeding::would_bleed() {
            return Err(value);
        }
        let identity = current.identity();
        if current.is_gone() {
            // Nobody would free it after this: the thread is as good as over.
            drop(value);
            return Ok(Replaced { old: None, identity });
        }
        if !var.variable().inherits() {
            current.mark.set(current.mark.get().with_private());
        }
        let value = Value::new(var, value);
        let id = var.assigned_id();
        let old = current.change_for_good(|vars| vars.insert(id, value));
        // SAFETY: [V1] it was under this variable's id.
        let old = old.map(|old| unsafe { Held::new(old) });
        Ok(Replaced { old, identity })
    })
}

/// Puts the variable back to `old` in the current context, if that context is the one `identity` belongs to.
///
/// # Errors
/// Another context is current; nothing was changed.
#[inline]
pub(crate) fn restore<T>(var: &ContextVar<T>, old: &mut Option<Held<T>>, identity: Identity) -> Result<(), ()> {
    let replaced = CURRENT.with(|current| {
        if !current.has_identity(identity) {
            return Err(());
        }
        let id = var.id();
        if old.is_some() && !var.variable().inherits() {
            current.mark.set(current.mark.get().with_private());
        }
        Ok(match old.take() {
            // What is put into a context that nobody will free would be lost.
            Some(old) if current.is_gone() => Some(old.into_value()),
            Some(old) => current.change_for_good(|vars| vars.insert(id, old.into_value())),
            None => current.change_for_good(|vars| vars.remove(id)),
        })
    })?;
    // Only now: its destructor may do anything.
    drop(replaced);
    Ok(())
}

/// A copy of the current context. One reference count.
#[inline]
pub(crate) fn snapshot() -> State {
    CURRENT.with(|current| State { vars: current.vars().clone(), mark: current.mark.get().of_copy() })
}

/// The current context, for another thread to run in meanwhile: the same values and the same identity. What is changed
/// there comes back through [`merge`].
pub(crate) fn outbound() -> State {
    CURRENT.with(|current| {
        let _given: Identity = current.identity();
        let mark = current.mark.get();
        // Where sets in a base context are refused, they are so wherever it is lent to.
        let refuses_sets = mark.is_base() && bleeding::would_bleed();
        State { vars: current.vars().clone(), mark: mark.outbound(refuses_sets) }
    })
}

/// Changes the values of some variables in the current context, or removes them.
///
/// # Errors
/// Other tasks would see the values, that of this variable for one; nothing was changed.
pub(crate) fn merge(updates: Vec<Update>) -> Result<(), &'static Variable> {
    let Some(first) = updates.first() else { return Ok(()) };
    let variable = first.var.variable();
    let mut replaced = Vec::with_capacity(updates.len());
    CURRENT.with(|current| {
        if current.mark.get().is_base() && bleeding::would_bleed() {
            return Err(variable);
        }
        if current.is_gone() {
            // As in `set`.
            return Ok(());
        }
        for Update { var, value } in updates {
            if value.is_some() && !var.variable().inherits() {
                current.mark.set(current.mark.get().with_private());
            }
            let id = var.id();
            replaced.push(current.change_for_good(|vars| match value {
                Some(value) => vars.insert(id, value),
                None => vars.remove(id),
            }));
        }
        Ok(())
    })?;
    // Only now: their destructors may do anything.
    drop(replaced);
    Ok(())
}

/// A number that no other living thread has; never 0.
pub(super) fn thread_mark() -> usize {
    CURRENT.with(|current| ptr::from_ref(current).addr())
}

thread_local! {
    /// Frees the thread's base context when the thread ends; set up by the first set in it.
    static BASE_CLEANER: BaseCleaner = const { BaseCleaner };
}

struct BaseCleaner;

impl Drop for BaseCleaner {
    fn drop(&mut self) {
        let mut vars = Vars::new();
        CURRENT.with(|current| {
            current.pin_readers();
            current.exchange(&mut vars);
        });
        // A destructor that panics here would abort the process, for a value that nobody needs any more.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(vars)));
    }
}

#[cfg(test)]
mod tests;
