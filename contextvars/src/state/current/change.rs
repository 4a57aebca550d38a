//! Changes: a variable is set or restored in the current context.

use std::mem::ManuallyDrop;

use super::super::context_var::ContextVar;
use super::super::mark::{Identity, Mark};
use super::super::trie::Trie;
use super::super::value::{Value, ValueOf};
use super::base::will_be_cleaned_up;
use super::{Current, with_current};
use crate::variable::Variable;
use crate::worker;

impl Current {
    /// Whether variables must not be set in the current context: unrelated work would see the values.
    #[inline]
    pub(super) fn refuses_sets(&self) -> bool {
        let mark = self.mark.get();
        mark.may_refuse_sets() && (mark.refuses_sets() || worker::is_worker())
    }

    /// Sets a variable, or removes its value, and returns the previous value.
    ///
    /// Every change by a user goes through here; only scopes change values directly, and undo that themselves.
    #[inline]
    pub(super) fn exchange_value(&self, variable: &Variable, id: u32, mut value: Option<Value>) -> Option<Value> {
        if value.is_some() && !variable.inherits() {
            self.set_mark(self.mark.get().with_private());
        }
        self.pin_readers();
        if self.mark.get().is_plain() && self.values.swap_in_place(id, &mut value) {
            return value;
        }
        exchange_in_copies(id, value)
    }

    #[inline(never)]
    fn exchange_in_base(&self, id: u32, mut value: Option<Value>) -> Option<Value> {
        if value.is_some() && !will_be_cleaned_up() {
            // The thread's cleaner has run, so nothing would free a value that is stored now.
            return None;
        }
        self.pin_readers();
        // The kept copy is out of date. It is dropped after the change: a destructor that opens a scope before would
        // keep another copy without the change.
        let _copy = ManuallyDrop::into_inner(self.base_copy.take());
        if self.base.swap_in_place(id, &mut value) {
            return value;
        }
        self.change_one(id, value)
    }

    /// Puts the value under `id` into copies of the nodes that are missing or shared.
    fn change_one(&self, id: u32, value: Option<Value>) -> Option<Value> {
        self.change(|values| match value {
            Some(value) => values.insert(id, value),
            None => values.remove(id),
        })
    }

    /// Changes the values. They are moved out for `change`, so an allocator that uses variables runs in an empty
    /// context meanwhile.
    ///
    /// No value may lose its last owner in `change`, or its destructor would run in that empty context, too, and no
    /// reader is pinned yet. Values that an allocator has set there are dropped after the change, and their destructors
    /// may change the context: it must be consistent by then.
    #[inline]
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut Trie<Value>) -> R) -> R {
        let cell = self.changeable();
        let mark = self.mark.get();
        self.set_mark(Mark::NEW);
        let mut values = Trie::new();
        cell.exchange(&mut values);
        let result = change(&mut values);
        // Only now: an allocator may have switched to a coroutine that reads. Until here nothing has been dropped.
        self.pin_readers();
        // A base context has a cell of its own: values that an allocator has set are in the other cell.
        let mut meanwhile = Trie::new();
        self.values.exchange(&mut meanwhile);
        cell.exchange(&mut values);
        self.set_mark(mark);
        drop(meanwhile);
        result
    }
}

/// The part of [`Current::exchange_value`] for contexts whose nodes are missing or shared, or lent to a scope, and for
/// base contexts.
#[inline(never)]
fn exchange_in_copies(id: u32, value: Option<Value>) -> Option<Value> {
    with_current(|current| {
        // Asked again after each allocation: an allocator may switch to a coroutine that leaves the scope.
        while current.mark.get().is_lent() {
            current.save_lent();
        }
        if current.mark.get().is_base() {
            return current.exchange_in_base(id, value);
        }
        current.change_one(id, value)
    })
}

/// The effect of a set: the replaced value, and the identity of the context.
pub(crate) struct Replaced<T> {
    pub(crate) old: Option<ValueOf<T>>,
    pub(crate) identity: Identity,
}

/// Sets the variable in the current context. Returns the value as an error if unrelated work would see it.
#[inline]
pub(crate) fn set<T: Send + Sync + 'static>(var: &'static ContextVar<T>, value: T) -> Result<Replaced<T>, T> {
    with_current(|current| {
        if current.refuses_sets() {
            return Err(value);
        }
        let identity = current.identity();
        let value = var.value(value);
        let old = current.exchange_value(var.variable(), var.assigned_id(), Some(value));
        Ok(Replaced { old: old.map(ValueOf::new), identity })
    })
}

/// Restores the variable to `old` in the current context, if that is the context with this `identity`.
///
/// # Errors
/// If another context is current; nothing was changed.
#[inline]
pub(crate) fn restore<T>(var: &ContextVar<T>, old: &mut Option<ValueOf<T>>, identity: Identity) -> Result<(), ()> {
    let replaced = with_current(|current| {
        if !current.has_identity(identity) {
            return Err(());
        }
        Ok(current.exchange_value(var.variable(), var.id(), old.take().map(ValueOf::into_value)))
    })?;
    // Dropped only now, after the borrow: its destructor may run any code.
    drop(replaced);
    Ok(())
}

/// Whether the current context has this identity.
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
    ValueOf::new(var.value(value))
}

/// Replaces the variable's value in the current context, or removes it, and returns the previous one. The caller
/// restores that later, and has checked that the context does not [refuse sets](refuses_sets).
#[inline]
pub(crate) fn replace<T: Send + Sync + 'static>(
    var: &'static ContextVar<T>,
    value: Option<ValueOf<T>>,
) -> Option<ValueOf<T>> {
    let value = value.map(ValueOf::into_value);
    let replaced = with_current(|current| current.exchange_value(var.variable(), var.assigned_id(), value));
    replaced.map(ValueOf::new)
}
