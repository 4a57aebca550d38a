//! Reads: a variable's value is found and lent to a closure, which may change the context meanwhile.
//!
//! The context owns the value. A read puts a [`Reader`] on the thread's list, and code that is about to change or
//! switch the context first makes every reader in the list an owner. So a read changes no reference count unless the
//! context changes during the read.

use std::cell::Cell;
use std::mem::{self, ManuallyDrop};
use std::ptr;

use super::super::context_var::ContextVar;
use super::super::trie::Trie;
use super::super::value::Value;
use super::{Current, Reader, with_current};

impl Drop for Reader {
    /// Runs at the end of `with`, also by a panic.
    #[inline]
    fn drop(&mut self) {
        with_current(|current| current.take_off(self));
        if self.pinned.get() {
            self.give_back();
        }
    }
}

impl Reader {
    /// A reader that is not on the list yet. The caller must not move it after putting it on the list.
    #[inline]
    pub(super) fn new(value: ManuallyDrop<Value>) -> Self {
        Self { value, pinned: Cell::new(false), outer: Cell::new(with_current(|current| current.readers.get())) }
    }

    /// The value that it reads.
    #[inline]
    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    /// Drops the value that pinning made it an owner of.
    #[cold]
    fn give_back(&mut self) {
        // SAFETY: [C3] `pin_live_readers` has counted this reader as an owner once, and only its `Drop` calls this.
        unsafe { ManuallyDrop::drop(&mut self.value) }
    }
}

impl Current {
    /// Makes every live reader an owner of what it reads, so that the context may be changed or switched.
    #[inline]
    pub(super) fn pin_readers(&self) {
        if !self.readers.get().is_null() {
            pin_live_readers();
        }
    }

    /// Removes a reader that ends from the list.
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

/// Without a parameter, as other functions that are seldom called: callers need not keep one for it.
#[cold]
fn pin_live_readers() {
    let mut next = with_current(|current| current.readers.get());
    // SAFETY: [C2] every reader in the list is alive: `Reader::drop` removes it from the list, and readers never leave
    // the stack frame of `lend`.
    while let Some(reader) = unsafe { next.as_ref() } {
        if reader.pinned.replace(true) {
            // [C4] older ones are pinned already.
            return;
        }
        // [C3] not pinned yet, so the value still has an owner, and this handle can be cloned.
        mem::forget(Value::clone(&reader.value));
        next = reader.outer.get();
    }
}

/// Calls `f` with the variable's value in the entered context, or returns `f` if there is none, for
/// [`with_base_value`].
#[inline]
pub(crate) fn with_value<T, R, F: FnOnce(&T) -> R>(var: &ContextVar<T>, f: F) -> Result<R, F> {
    lend(var, f, |current| Some(current.values.get()))
}

/// Calls `f` with the variable's value in the thread's base context, if that is visible.
///
/// Separate from [`with_value`], so that the code for reads in an entered context stays small.
#[inline]
pub(crate) fn with_base_value<T, R, F: FnOnce(&T) -> R>(var: &ContextVar<T>, f: F) -> Result<R, F> {
    lend(var, f, Current::visible_base)
}

/// Calls `f` with the variable's value among these, which the entered or the base context owns.
///
/// No reference count moves, and nothing is borrowed from the context while `f` runs.
#[inline]
fn lend<T, R, F: FnOnce(&T) -> R>(
    var: &ContextVar<T>,
    f: F,
    values: impl FnOnce(&Current) -> Option<&Trie<Value>>,
) -> Result<R, F> {
    let found = with_current(|current| values(current)?.get(var.id()).map(Value::uncounted));
    let Some(value) = found else { return Err(f) };
    let reader = Reader::new(value);
    with_current(|current| current.readers.set(&raw const reader));
    // SAFETY: [V1] under a variable's id there are only values of that variable. [C3] The value lives as long as
    // `reader`: the context owns it, and no other code has run since it was found; before the context loses the value,
    // pinning makes `reader` an owner; and `reader` outlives the call of `f`.
    let value = unsafe { reader.value().as_typed() };
    Ok(f(value))
}

/// A new handle of the variable's value in the entered context.
pub(in super::super) fn share_value<T>(var: &ContextVar<T>) -> Option<Value> {
    with_current(|current| current.values.get().get(var.id()).cloned())
}

/// Whether the entered context has this very value.
#[inline]
pub(super) fn is_shared(value: &Value) -> bool {
    with_current(|current| current.values.get().get(value.var().id()).is_some_and(|own| own.ptr_eq(value)))
}

/// Whether the variable has a value that the running code sees.
pub(crate) fn is_set<T>(var: &ContextVar<T>) -> bool {
    let has = |values: &Trie<Value>| values.get(var.id()).is_some();
    with_current(|current| has(current.values.get()) || current.visible_base().is_some_and(has))
}
