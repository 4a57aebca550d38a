//! A context's trip to another thread: out it goes as it is, and what was changed there comes back as [`Update`]s.

use super::super::mark::Identity;
use super::super::value::{ErasedVar, Value};
use super::super::{State, carried};
use super::with_current;
use crate::variable::Variable;

/// The current context, for another thread to run in meanwhile: the same values and the same identity. What is changed
/// there comes back through [`merge`].
pub(crate) fn outbound() -> State {
    carried::captured(with_current(|current| {
        let _given: Identity = current.identity();
        // Where sets are refused, they are so wherever the context is meanwhile.
        let mark = current.mark.get().outbound(current.refuses_sets());
        State::of(current.copy_of_values(), mark)
    }))
}

/// One variable's new value; `None`: it is not set any more.
pub(crate) struct Update {
    var: &'static dyn ErasedVar,
    /// [V1] A value of `var`.
    value: Option<Value>,
}

impl Update {
    /// The change from one value of a variable to another, either of which may be none. `None`: both are.
    pub(crate) fn new(before: Option<&Value>, after: Option<&Value>) -> Option<Self> {
        let var = after.or(before)?.var();
        Some(Self { var, value: after.cloned() })
    }
}

impl State {
    /// What must change in this context for it to hold what `after` holds.
    pub(crate) fn updates_to(&self, after: &Self) -> Vec<Update> {
        if self.vars.is_same(&after.vars) {
            return Vec::new();
        }
        let is_kept = |value: &Value| self.counterpart(value).is_some_and(|before| before.ptr_eq(value));
        let set = after.vars.unshared(&self.vars).into_iter().filter(|value| !is_kept(value));
        let removed = self.vars.unshared(&after.vars).into_iter().filter(|value| after.counterpart(value).is_none());
        set.map(|value| Update { var: value.var(), value: Some(value.clone()) })
            .chain(removed.map(|value| Update { var: value.var(), value: None }))
            .collect()
    }
}

/// Changes the values of some variables in the current context, or removes them.
///
/// # Errors
/// Other tasks would see the values, that of this variable for one; nothing was changed.
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
    // Only now: their destructors may do anything.
    drop(replaced);
    Ok(())
}
