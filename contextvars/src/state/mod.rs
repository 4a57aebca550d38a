//! Storage of contexts: the values, the map, the thread's current context. All of the crate's unsafe code is here.
//!
//! Everything that this folder exports is safe to call in any order and from anywhere, also from destructors of values
//! and during the end of a thread. The invariants that the unsafe blocks rely on:
//!
//! **Memory** (`pool.rs`)
//! - **M1** The layout of a block depends only on the type of its contents, both for allocating and for freeing it.
//! - **M2** A block on a shelf of a thread has the layout of that shelf, is not in use, and is on no other shelf.
//!
//! **Shared blocks** (`shared.rs`)
//! - **S1** A handle gives access to `&T` and, if it is the last, to `T`: it is `Send` and `Sync` under the conditions
//!   of an `Arc<T>`.
//! - **S2** A block lives while its count is above zero; each handle counts for one. It is changed only through the
//!   `&mut` handle of its sole owner.
//!
//! **Values** (`value.rs`, `context_var.rs`)
//! - **V1** A value's block has the type of the variable that its header names, and in a context a value is stored only
//!   under its own variable's id. So a variable's id implies the type.
//! - **V2** Variables exist for `T: Send + Sync + 'static` only.
//! - **V3** As S2, for values: a block lives while its count is above zero, and is never changed.
//!
//! **The current context** (`current/`)
//! - **C1** A reference into one of the thread-local's cells of values never outlives the function of `current` that
//!   creates it, and no code from outside this folder runs meanwhile, not even an allocator: if memory is needed, the
//!   values to be changed are moved out first. All other fields of the thread-local are `Cell`s, into which there are
//!   no references.
//! - **C2** The list of readers contains only live readers of this thread, the most recent first, and none of them
//!   moves. They need not end in the reverse order: coroutines with stacks of their own can take turns.
//! - **C3** A reader that is not pinned reads a value that the current context owns, and no context of the thread was
//!   changed or switched since the reader began.
//! - **C4** All readers that began before a pinned one are pinned.
//! - **C5** While a context is entered, the thread-local owns it. The place it came from is borrowed, and the bits in
//!   that place are not owned: they are neither read nor dropped until the context, or another one instead, is moved
//!   back. If `Current::place` is not null, it is the place of a context that was entered and has not been left; that
//!   context is the current one, and its bits equal those in the place. Every change of the context sets `place` to
//!   null, and so does leaving a context other than the one at `place`. That also discards the places of outer contexts
//!   that inner guards remember, since a guard restores the outer place only if `place` is its own.

#![expect(unsafe_code, reason = "the read path knows types and lifetimes that the type system does not")]

mod carried;
mod context_var;
mod count;
mod current;
mod default;
mod id;
mod mark;
mod pool;
mod shared;
mod traits;
mod trie;
mod turns;
mod value;

use std::fmt;
use std::mem::ManuallyDrop;
// For `count` and `id`; in `tests/loom` the same path names loom's atomics, to check them against the memory model.
use std::sync;

pub(crate) use self::carried::captured;
#[cfg(any(feature = "hyper", feature = "tokio"))]
pub(crate) use self::carried::suppress;
pub use self::carried::{Carried, register, suppressed};
pub use self::context_var::{ContextVar, DeclaredByTheMacro};
pub(crate) use self::current::change::{Replaced, has_identity, refuses_sets, replace, restore, set, value_of};
use self::current::end::drop_in_empty_context;
pub(crate) use self::current::entered::Entered;
#[cfg(any(feature = "rayon", all(tokio_unstable, feature = "tokio-hooks")))]
pub(crate) use self::current::entered::{SwappedIn, swap_in, swap_out};
pub(crate) use self::current::read::{is_set, with_base_value, with_value};
pub(crate) use self::current::round_trip::{Update, merge, outbound};
use self::current::scope;
pub use self::current::scope::{Bound, Scope};
pub(crate) use self::current::snapshot;
pub(crate) use self::mark::Identity;
use self::mark::Mark;
pub use self::traits::{Absent, Probe, Traits};
use self::trie::Trie;
use self::value::ErasedVar;
pub(crate) use self::value::{Value, ValueOf};
use crate::variable::Variable;

/// The contents of a context: the values, and the facts about the context.
///
/// Values that it is the last to own are freed in an empty context; see [`current::end`].
pub(crate) struct State {
    /// [V1] Each value is stored under its own variable's id. `ManuallyDrop`, because the `Drop` of a state decides in
    /// which context the values are freed.
    values: ManuallyDrop<Trie<Value>>,
    mark: Mark,
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

    const fn of(values: Trie<Value>, mark: Mark) -> Self {
        Self { values: ManuallyDrop::new(values), mark }
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

    /// Sets the variable. The previous value is dropped as if the context had ended.
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, var: &'static ContextVar<T>, value: T) {
        if self.mark.is_lent() {
            scope::save(self.mark, Trie::clone(&self.values));
            self.mark = self.mark.not_lent();
        }
        if !var.variable().inherits() {
            self.mark = self.mark.with_private();
        }
        let old = self.values.insert(var.assigned_id(), Value::new(var, value));
        if let Some(old) = old {
            ValueOf::<T>::new(old).drop_apart();
        }
    }

    /// Removes the values under these ids. They are dropped as if the context had ended.
    fn remove_all(&mut self, ids: &[u32]) {
        if ids.iter().all(|&id| self.values.get(id).is_none()) {
            return;
        }
        if self.mark.is_lent() {
            scope::save(self.mark, Trie::clone(&self.values));
            self.mark = self.mark.not_lent();
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

impl Value {
    /// The variable whose value this is.
    #[inline]
    pub(crate) fn variable(&self) -> &'static Variable {
        self.var().variable()
    }

    /// Whether this equals another value of the same variable: if both are the same instance, or by the type's
    /// `PartialEq`, if it has one.
    pub(crate) fn is_equal(&self, other: &Self) -> bool {
        self.ptr_eq(other) || self.var().equal(self, other).unwrap_or(false)
    }

    /// The value for any serialiser, if its type has `Serialize`. The caller checks whether it may be shown.
    #[cfg(feature = "serde")]
    pub(crate) fn serializable(&self) -> Option<&dyn erased_serde::Serialize> {
        self.var().serializable(self)
    }
}

/// The placeholder for a value that must not be shown.
pub(crate) const REDACTED: &str = "<redacted>";

/// Writes the value by its type's `Debug`, unless the type has none or the variable is redacted.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variable = self.variable();
        if variable.is_redacted() {
            return f.write_str(REDACTED);
        }
        match self.var().debug(self, f) {
            Some(written) => written,
            None => write!(f, "<{}>", variable.type_name()),
        }
    }
}

/// Writes the value by its type's `Display`, otherwise by its `Debug`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.variable().is_redacted() {
            return f.write_str(REDACTED);
        }
        match self.var().display(self, f) {
            Some(written) => written,
            None => fmt::Debug::fmt(self, f),
        }
    }
}
