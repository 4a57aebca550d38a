//! Changes of a context that is not current.

use super::contents::State;
use super::context_var::ContextVar;
use super::current::carried;
use super::current::end::drop_in_empty_context;
use super::value::{Value, ValueOf};
use crate::variable::Variable;

impl State {
    /// Sets the variable. The previous value is dropped as if the context had ended.
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, var: &'static ContextVar<T>, value: T) {
        if !var.variable().inherits() {
            self.mark = self.mark.with_private();
        }
        let old = self.values.insert(var.assigned_id(), var.value(value));
        if let Some(old) = old {
            ValueOf::<T>::new(old).drop_apart();
        }
    }

    /// Removes the values under these ids. They are dropped as if the context had ended.
    fn remove_all(&mut self, ids: &[u32]) {
        if ids.iter().all(|&id| self.values.get(id).is_none()) {
            return;
        }
        // The mark may still say that there are values that must not be inherited; that only costs a search in vain.
        let removed: Vec<_> = ids.iter().filter_map(|&id| self.values.remove(id)).collect();
        drop_in_empty_context(|| drop(removed));
    }

    /// Removes the variable's value, if it has one, and drops it as if the context had ended.
    pub(crate) fn remove<T>(&mut self, var: &ContextVar<T>) {
        self.remove_all(&[var.id()]);
    }

    /// Unsets the variables for which `keep` returns `false`; internal variables of this crate are not passed to it. If
    /// it panics, nothing has changed.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&'static Variable, &Value) -> bool) {
        let gone = self.values().filter(|&(variable, value)| !keep(variable, value));
        let ids: Vec<u32> = gone.map(|(_, value)| value.var().id()).collect();
        self.remove_all(&ids);
        if !self.mark.is_carrying() {
            // It is of no use here, and would be kept alive, as a span is.
            carried::remove_all(self);
        }
    }
}
