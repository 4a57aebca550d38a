//! [`State`]: the contents of a context.

use std::mem::ManuallyDrop;

use super::context_var::ContextVar;
use super::mark::Mark;
use super::trie::{self, Trie};
use super::value::{ErasedVar, Value};
use crate::variable::Variable;

/// The contents of a context: the values, and the facts about the context.
///
/// Values that it is the last to own are freed in an empty context; see [`end`](super::current::end).
pub(crate) struct State {
    /// [V1] Each value is stored under its own variable's id. `ManuallyDrop`, because the `Drop` of a state decides in
    /// which context the values are freed.
    pub(super) values: ManuallyDrop<Trie<Value>>,
    pub(super) mark: Mark,
}

impl State {
    pub(crate) const fn new() -> Self {
        Self::of(Trie::new(), Mark::NEW)
    }

    /// An empty state in which no variable can be set.
    pub(crate) const fn refusing() -> Self {
        Self::of(Trie::new(), Mark::REFUSING)
    }

    /// The same values, in a state in which no variable can be set.
    #[cfg(all(feature = "tokio-hooks", tokio_unstable))]
    #[must_use]
    pub(crate) fn refusing_sets(mut self) -> Self {
        self.mark = self.mark.refusing_sets();
        self
    }

    pub(super) const fn of(values: Trie<Value>, mark: Mark) -> Self {
        Self { values: ManuallyDrop::new(values), mark }
    }

    /// A state with this value only.
    pub(super) fn of_value(value: Value) -> Self {
        let mut values = Trie::new();
        values.insert(value.var().id(), value);
        Self::of(values, Mark::NEW)
    }

    /// The same values, as a separate context. One reference count.
    #[inline]
    pub(crate) fn copy(&self) -> Self {
        Self::of(Trie::clone(&self.values), self.mark.of_clone())
    }

    /// The same without the values that must not be inherited. Free if there are none of those.
    #[inline]
    #[must_use]
    pub(crate) fn for_child(mut self) -> Self {
        if self.mark.has_private() {
            self.remove_private();
        }
        self
    }

    #[cold]
    fn remove_private(&mut self) {
        let private: Vec<u32> =
            self.values.iter().map(Value::var).filter(|var| !var.variable().inherits()).map(ErasedVar::id).collect();
        for id in private {
            drop(self.values.remove(id));
        }
        self.mark = Mark::NEW;
    }

    pub(crate) fn get<T>(&self, var: &ContextVar<T>) -> Option<&T> {
        let value = self.values.get(var.id())?;
        // SAFETY: [V1] under a variable's id there are only values of that variable.
        Some(unsafe { value.as_typed() })
    }

    /// The variables with their values.
    pub(crate) fn values(&self) -> Values<'_> {
        Values(self.values.iter())
    }

    /// The variables with their values that may differ in `other`, or be unset there. O(n) in the nodes that the two do
    /// not share.
    pub(crate) fn unshared<'a>(
        &'a self,
        other: &Self,
    ) -> impl Iterator<Item = (&'static Variable, &'a Value)> + use<'a> {
        let values = self.values.unshared(&other.values).into_iter();
        values.map(|value| (value.variable(), value)).filter(|(variable, _)| !variable.is_hidden())
    }

    /// The value of the variable that `like` is a value of.
    pub(crate) fn counterpart(&self, like: &Value) -> Option<&Value> {
        self.values.get(like.var().id())
    }
}

/// The variables of a context with their values, without this crate's internal ones, which are never shown.
#[derive(Clone)]
pub(crate) struct Values<'a>(trie::Iter<'a, Value>);

impl<'a> Iterator for Values<'a> {
    type Item = (&'static Variable, &'a Value);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let value = self.0.next()?;
            let variable = value.variable();
            if !variable.is_hidden() {
                return Some((variable, value));
            }
        }
    }
}
