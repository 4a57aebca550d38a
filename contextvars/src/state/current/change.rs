//! Changes: a variable is set, or put back to what it was, in the current context.

use std::mem;

use super::super::declared::ContextVar;
use super::super::mark::{Identity, Mark};
use super::super::value::{Value, ValueOf};
use super::super::vars::Vars;
use super::{Current, ValuesCell, with_current};
use crate::variable::Variable;
use crate::worker;

impl Current {
    /// Whether variables must not be set in the current context: unrelated work would see the values.
    #[inline]
    pub(super) fn refuses_sets(&self) -> bool {
        let mark = self.mark.get();
        mark.may_refuse_sets() && (mark.refuses_sets() || worker::is_worker())
    }

    /// Sets a variable, or takes its value away, and returns what was there.
    ///
    /// Every change that a program asks for comes through here; what scopes do, they undo.
    #[inline]
    pub(super) fn exchange_value(&self, variable: &Variable, id: u32, mut value: Option<Value>) -> Option<Value> {
        if value.is_some() && !variable.inherits() {
            self.set_mark(self.mark.get().with_private());
        }
        self.pin_readers();
        if self.mark.get().is_plain() && Self::swap_in_place(&self.values, id, &mut value) {
            return value;
        }
        self.exchange_in_copies(id, value)
    }

    #[inline(never)]
    fn exchange_in_copies(&self, id: u32, mut value: Option<Value>) -> Option<Value> {
        if value.is_some() && self.is_gone() {
            // Nobody would free it after this: the thread is as good as over.
            return None;
        }
        if self.mark.get().is_lent() {
            self.save_lent();
        }
        if Self::swap_in_place(self.changeable(), id, &mut value) {
            return value;
        }
        self.change(|values| match value {
            Some(value) => values.insert(id, value),
            None => values.remove(id),
        })
    }

    /// Makes `value` change places with what is under `id`. Returns `false`, and has done nothing, if nodes would have to
    /// be made or copied for it. The caller has pinned the readers.
    ///
    /// No memory is allocated or freed, so nobody's code runs. The nodes are the same as before, and so is the mark.
    #[inline]
    pub(super) fn swap_in_place(cell: &ValuesCell, id: u32, value: &mut Option<Value>) -> bool {
        // SAFETY: [C1] as in `exchange`: no other reference into the cell is alive, and this one ends with the swap. To
        // find a place and to swap two pointers runs no code from outside, not even an allocator's.
        let values: &mut Vars<Value> = unsafe { &mut *cell.get() };
        match values.place(id) {
            Some(place) => {
                mem::swap(place, value);
                true
            }
            None => false,
        }
    }

    /// Changes the values. `change` has them to itself: an allocator that uses variables finds itself in an empty
    /// context.
    ///
    /// No value may lose its last owner in `change`, or its destructor would find itself there, too. What an allocator
    /// has set there goes when the change is done, and its destructors may then do anything to the context: it must be
    /// whole by then.
    #[inline]
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut Vars<Value>) -> R) -> R {
        self.pin_readers();
        let cell = self.changeable();
        let mark = self.mark.get();
        self.set_mark(Mark::NEW);
        let mut values = Vars::new();
        Self::exchange(cell, &mut values);
        let result = change(&mut values);
        // For a base context two cells are of interest: an allocator has set what it set in the other.
        let mut meanwhile = Vars::new();
        Self::exchange(&self.values, &mut meanwhile);
        Self::exchange(cell, &mut values);
        self.set_mark(mark);
        drop(meanwhile);
        result
    }
}

/// What a set did: the value it replaced, and where.
pub(crate) struct Replaced<T> {
    pub(crate) old: Option<ValueOf<T>>,
    pub(crate) identity: Identity,
}

/// Sets the variable in the current context. Refused, with the value, where unrelated work would see it.
#[inline]
pub(crate) fn set<T: Send + Sync + 'static>(var: &'static ContextVar<T>, value: T) -> Result<Replaced<T>, T> {
    with_current(|current| {
        if current.refuses_sets() {
            return Err(value);
        }
        let identity = current.identity();
        let value = Value::new(var, value);
        let old = current.exchange_value(var.variable(), var.assigned_id(), Some(value));
        Ok(Replaced { old: old.map(ValueOf::new), identity })
    })
}

/// Puts the variable back to `old` in the current context, if that context is the one `identity` belongs to.
///
/// # Errors
/// Another context is current; nothing was changed.
#[inline]
pub(crate) fn restore<T>(var: &ContextVar<T>, old: &mut Option<ValueOf<T>>, identity: Identity) -> Result<(), ()> {
    let replaced = with_current(|current| {
        if !current.has_identity(identity) {
            return Err(());
        }
        Ok(current.exchange_value(var.variable(), var.id(), old.take().map(ValueOf::into_value)))
    })?;
    // Only now: its destructor may do anything.
    drop(replaced);
    Ok(())
}

/// Whether the current context is the one of this identity.
#[inline]
pub(crate) fn has_identity(identity: Identity) -> bool {
    with_current(|current| current.has_identity(identity))
}

/// Whether variables must not be set in the current context.
#[inline]
pub(crate) fn refuses_sets() -> bool {
    with_current(Current::refuses_sets)
}

/// A value of the variable, for [`replace`].
pub(crate) fn value_of<T: Send + Sync + 'static>(var: &'static ContextVar<T>, value: T) -> ValueOf<T> {
    ValueOf::new(Value::new(var, value))
}

/// Gives the variable another value in the current context, or none, and returns what it had. The caller gives it back
/// in the end, and has asked whether the context [takes](refuses_sets) values.
#[inline]
pub(crate) fn replace<T: Send + Sync + 'static>(
    var: &'static ContextVar<T>,
    value: Option<ValueOf<T>>,
) -> Option<ValueOf<T>> {
    let value = value.map(ValueOf::into_value);
    let replaced = with_current(|current| current.exchange_value(var.variable(), var.assigned_id(), value));
    replaced.map(ValueOf::new)
}
