//! Reads: a variable's value is found and lent, though whoever it is lent to may change the context meanwhile.
//!
//! The context owns the value. A read puts a [`Reader`] on the thread's list, and whoever is about to change or switch
//! the context makes every reader in the list an owner first. So a read counts nothing, and keeps one value alive if
//! need be.

use std::cell::Cell;
use std::mem::{self, ManuallyDrop};
use std::ptr;

use super::super::declared::ContextVar;
use super::super::value::Value;
use super::{Current, with_current};

/// One `with` call's hold on the value it is reading.
///
/// [C3] Until it is `pinned`, the value is owned by the thread's current context, which has not been changed or
/// switched since the reader began. Whatever is about to do either pins all readers first.
pub(super) struct Reader {
    value: ManuallyDrop<Value>,
    /// Whether this reader owns the value by now, and gives it up in the end.
    pinned: Cell<bool>,
    /// The live reader that began last before this one, or null. [C4] If this one is pinned, so are all outer ones.
    outer: Cell<*const Reader>,
}

impl Drop for Reader {
    /// Runs on the way out of `with`, by panic too.
    #[inline]
    fn drop(&mut self) {
        with_current(|current| current.take_off(self));
        if self.pinned.get() {
            self.give_back();
        }
    }
}

impl Reader {
    /// A reader that is not on the list yet, which it is to be put on at once, where it stays.
    #[inline]
    pub(super) fn new(value: ManuallyDrop<Value>) -> Self {
        Self { value, pinned: Cell::new(false), outer: Cell::new(with_current(|current| current.readers.get())) }
    }

    /// What it reads.
    #[inline]
    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    /// Gives up what pinning made it an owner of.
    #[cold]
    fn give_back(&mut self) {
        // SAFETY: [C3] `pin_live_readers` counted this reader as an owner, once, and only its `Drop` gets here.
        unsafe { ManuallyDrop::drop(&mut self.value) }
    }
}

impl Current {
    /// Makes every live reader an owner of what it reads, so that the context may be changed or switched.
    #[inline]
    pub(super) fn pin_readers(&self) {
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
            // [C3] not pinned yet, so the current context still owns the value, and this handle can be cloned.
            mem::forget(Value::clone(&reader.value));
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
}

/// Runs `f` on the variable's value in the context that was entered, or gives it back if there is none: then
/// [`with_base_value`] knows.
///
/// No reference count moves, and nothing is borrowed from the context while `f` runs.
#[inline]
pub(crate) fn with_value<T, R, F: FnOnce(&T) -> R>(var: &ContextVar<T>, f: F) -> Result<R, F> {
    let Some(value) = with_current(|current| current.values().get(var.id()).map(Value::uncounted)) else {
        return Err(f);
    };
    // SAFETY: [V1] under a variable's id there are only values of that variable. [C3] nobody's code ran since it was
    // found, and the current context owns it.
    Ok(unsafe { lend(value, f) })
}

/// Runs `f` on the variable's value in the thread's base context, if that is current and to be seen.
///
/// Apart from [`with_value`], so that reads of what was set in a context that was entered stay small.
#[inline]
pub(crate) fn with_base_value<T, R, F: FnOnce(&T) -> R>(var: &ContextVar<T>, f: F) -> Result<R, F> {
    let Some(value) = with_current(|current| current.find_in_base(var.id())) else { return Err(f) };
    // SAFETY: [V1, C3] as above; the base context is current.
    Ok(unsafe { lend(value, f) })
}

/// Runs `f` on a value that the current context owns.
///
/// # Safety
/// The value is one of a `ContextVar<T>`. The current context owns it, and was neither changed nor switched since it was
/// found.
#[inline]
unsafe fn lend<T, R>(value: ManuallyDrop<Value>, f: impl FnOnce(&T) -> R) -> R {
    let reader = Reader::new(value);
    with_current(|current| current.readers.set(&raw const reader));
    // SAFETY: [V1] the caller says that it is a `T`. [C3] The value stays alive while `reader` does: the context owns it
    // still, as the caller says, until pinning makes `reader` its owner; and `reader` outlives the call of `f`.
    let value = unsafe { reader.value().as_typed() };
    f(value)
}

/// The variable's value in the context that was entered, and one owner more of it.
pub(in super::super) fn share_value<T>(var: &ContextVar<T>) -> Option<Value> {
    with_current(|current| current.values().get(var.id()).cloned())
}

/// Whether the variable has a value that the code at hand sees.
pub(crate) fn is_set<T>(var: &ContextVar<T>) -> bool {
    with_current(|current| current.values().get(var.id()).is_some() || current.find_in_base(var.id()).is_some())
}
