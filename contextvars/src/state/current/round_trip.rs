//! A context's round trip to another thread: the context itself goes out, and the changes made there come back as
//! [`Update`]s.

use super::super::contents::State;
use super::super::mark::Identity;
use super::super::value::{ErasedVar, Value};
use super::{carried, with_current};
use crate::variable::Variable;

/// The current context, for code on another thread: with the same values and the same identity. Changes made there come
/// back through [`merge`].
pub(crate) fn outbound() -> State {
    carried::captured(with_current(|current| {
        let _given: Identity = current.identity();
        // If sets are refused here, they are refused on the other thread, too.
        let mark = current.mark.get().outbound(current.refuses_sets());
        State::of(current.copy_of_values(), mark)
    }))
}

/// The new value of one variable, or `None` if it is unset.
pub(crate) struct Update {
    var: &'static dyn ErasedVar,
    /// [V1] A value of `var`.
    value: Option<Value>,
}

impl Update {
    /// The change from one value of a variable to another, either of which may be missing. Returns `None` if both are.
    pub(crate) fn new(before: Option<&Value>, after: Option<&Value>) -> Option<Self> {
        let var = after.or(before)?.var();
        Some(Self { var, value: after.cloned() })
    }
}

impl State {
    /// The changes that make this context equal to `after`.
    pub(crate) fn updates_to(&self, after: &Self) -> Vec<Update> {
        let is_kept = |value: &Value| self.counterpart(value).is_some_and(|before| before.ptr_eq(value));
        let set = after.values.unshared(&self.values).into_iter().filter(|value| !is_kept(value));
        let removed =
            self.values.unshared(&after.values).into_iter().filter(|value| after.counterpart(value).is_none());
        set.map(|value| Update { var: value.var(), value: Some(value.clone()) })
            .chain(removed.map(|value| Update { var: value.var(), value: None }))
            .collect()
    }
}

/// Sets or removes the values of some variables in the current context.
///
/// # Errors
/// If unrelated work would see the values; the result is one of the variables. Nothing was changed.
pub(crate) fn merge(updates: Vec<Update>) -> Result<(), &'static Variable> {
    let Some(first) = updates.first() else { return Ok(()) };
    let variable = first.var.variable();
    let mut replaced = Vec::with_capacity(updates.len());
    with_current(|current| {
        if current.refuses_sets() {
            return Err(variable);
        }
        for Update { var, value } in updates {
            replaced.push(current.exchange_value(var.variable(), var.id(), value));
        }
        Ok(())
    })?;
    // Dropped only now, after the borrow: their destructors may run any code.
    drop(replaced);
    Ok(())
}
