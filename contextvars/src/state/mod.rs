//! How contexts are kept: the values, the map, the thread's current context. All of the crate's unsafe code is here.
//!
//! Everything that leaves this folder is safe to call in any order from anywhere, destructors of values and of
//! threads included. The invariants that the unsafe blocks argue from:
//!
//! **Memory** (`pool.rs`)
//! - **M1** The layout of a block is decided by the type of what is in it, for allocating and for freeing alike.
//! - **M2** What is on a shelf of a thread is a block of that shelf's layout, which nobody uses, and is on no other shelf.
//!
//! **Shared blocks** (`shared.rs`)
//! - **S1** A handle gives `&T` and, where it is the last, `T`: it is as `Send` and `Sync` as an `Arc<T>`.
//! - **S2** A block lives while its count is above zero; each handle is one of the count. It changes only through its
//!   sole owner's `&mut` handle.
//!
//! **Values** (`value.rs`, `declared.rs`)
//! - **V1** A value's block has the type of the variable that its header names, and in a context a value stands only
//!   under its own variable's id. So a variable's id implies the type.
//! - **V2** Variables exist for `T: Send + Sync + 'static` only.
//! - **V3** As S2, for values: a block lives while its count is above zero, and is never changed.
//!
//! **The current context** (`current/`)
//! - **C1** A reference into one of the thread-local's cells of values never outlives the function of theirs that makes
//!   it, and no code from outside this folder runs meanwhile, not even an allocator's: where memory is needed, what is
//!   about to be changed is taken out first. The rest of the thread-local is `Cell`s, into which there are no references.
//! - **C2** The list of readers has this thread's live ones only, those that began last first, and each stays where it
//!   is. They need not end in the reverse order: coroutines have stacks of their own, and take turns.
//! - **C3** A reader that is not pinned reads a value that the current context owns, and no context of the thread was
//!   changed or switched since the reader began.
//! - **C4** All readers that began before a pinned one are pinned.
//! - **C5** While a context is entered, the thread-local owns it. The place it came from is borrowed, and what stands
//!   there is not owned: it is neither looked at nor dropped until the context, or another in its stead, is back. Where
//!   `Current::place` is not null, it is the place of a context that was entered and not left since; that context is the
//!   current one, and its bits are the ones in the place. Every change of them makes `place` null, and so does leaving a
//!   context that is not the one `place` says: with that, what an inner guard remembers of places further out is
//!   forgotten, too, since it is put back by that guard only if `place` is the guard's own.

#![expect(unsafe_code, reason = "the read path knows types and lifetimes that the type system does not")]

mod carried;
mod count;
mod current;
mod declared;
mod default;
mod id;
mod mark;
mod pool;
mod shared;
mod traits;
mod turns;
mod value;
mod vars;

use std::fmt;
use std::mem::ManuallyDrop;
// For `count` and `id`, which find loom's in its place when `tests/loom` holds them against the memory model.
use std::sync;

pub(crate) use self::carried::captured;
#[cfg(any(feature = "hyper", feature = "tokio"))]
pub(crate) use self::carried::suppress;
pub use self::carried::{Carried, register, suppressed};
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
pub use self::declared::{ContextVar, DeclaredByTheMacro};
pub(crate) use self::mark::Identity;
use self::mark::Mark;
pub use self::traits::{Absent, Probe, Traits};
use self::value::ErasedVar;
pub(crate) use self::value::{Value, ValueOf};
use self::vars::Vars;
use crate::variable::Variable;

/// A context's contents: the values, and what is known of the context besides.
///
/// What it is the last to hold is freed in an empty context; see [`current::end`].
pub(crate) struct State {
    /// [V1] Each value stands under its own variable's id. `ManuallyDrop`: the end of a state sees to it, and nothing is
    /// left to do after it.
    vars: ManuallyDrop<Vars<Value>>,
    mark: Mark,
}

impl State {
    pub(crate) const fn new() -> Self {
        Self::of(Vars::new(), Mark::NEW)
    }

    /// An empty one in which no variable can be set.
    pub(crate) const fn refusing_sets() -> Self {
        Self::of(Vars::new(), Mark::REFUSING)
    }

    const fn of(vars: Vars<Value>, mark: Mark) -> Self {
        Self { vars: ManuallyDrop::new(vars), mark }
    }

    /// The same values in a context of its own. One reference count.
    #[inline]
    pub(crate) fn copy(&self) -> Self {
        Self::of(Vars::clone(&self.vars), self.mark.of_clone())
    }

    /// The same without the values that must not be inherited. Costs nothing if there are none of those.
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
            self.vars.iter().map(Value::var).filter(|var| !var.variable().inherits()).map(ErasedVar::id).collect();
        for id in private {
            drop(self.vars.remove(id));
        }
        self.mark = Mark::NEW;
    }

    pub(crate) fn get<T>(&self, var: &ContextVar<T>) -> Option<&T> {
        let value = self.vars.get(var.id())?;
        // SAFETY: [V1] under a variable's id there are only values of that variable.
        Some(unsafe { value.as_typed() })
    }

    /// Sets the variable. The value that it had is dropped as if the context had ended.
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, var: &'static ContextVar<T>, value: T) {
        if self.mark.is_lent() {
            scope::save(self.mark, Vars::clone(&self.vars));
            self.mark = self.mark.not_lent();
        }
        if !var.variable().inherits() {
            self.mark = self.mark.with_private();
        }
        let old = self.vars.insert(var.assigned_id(), Value::new(var, value));
        if let Some(old) = old {
            ValueOf::<T>::new(old).drop_apart();
        }
    }

    /// Takes the values away that are under these ids. They are dropped as if the context had ended.
    fn remove_all(&mut self, ids: &[u32]) {
        if ids.iter().all(|&id| self.vars.get(id).is_none()) {
            return;
        }
        if self.mark.is_lent() {
            scope::save(self.mark, Vars::clone(&self.vars));
            self.mark = self.mark.not_lent();
        }
        // The mark may still say that there are values that must not be inherited: that costs a look, and nothing else.
        let removed: Vec<_> = ids.iter().filter_map(|&id| self.vars.remove(id)).collect();
        drop_in_empty_context(|| drop(removed));
    }

    /// Takes the variable's value away, if it has one, and drops it as if the context had ended.
    pub(crate) fn remove<T>(&mut self, var: &ContextVar<T>) {
        self.remove_all(&[var.id()]);
    }

    /// Unsets the variables that `keep` returns `false` for; it is not asked about the crate's own. If it panics, nothing
    /// has changed.
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
        Values(self.vars.iter())
    }

    /// The variables with their values that can be others in `other`, or not set there. Costs what the two do not share.
    pub(crate) fn unshared<'a>(
        &'a self,
        other: &Self,
    ) -> impl Iterator<Item = (&'static Variable, &'a Value)> + use<'a> {
        let values = self.vars.unshared(&other.vars).into_iter();
        values.map(|value| (value.variable(), value)).filter(|(variable, _)| !variable.is_hidden())
    }

    /// The value of the variable that `like` is a value of.
    pub(crate) fn counterpart(&self, like: &Value) -> Option<&Value> {
        self.vars.get(like.var().id())
    }
}

/// The variables of a context with their values, but for the crate's own, which are seen nowhere.
#[derive(Clone)]
pub(crate) struct Values<'a>(vars::Iter<'a, Value>);

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
    pub(crate) fn variable(&self) -> &'static Variable {
        self.var().variable()
    }

    /// Whether this equals another value of the same variable: if it is the very same one, or by its type's
    /// `PartialEq`, if it has one.
    pub(crate) fn is_equal(&self, other: &Self) -> bool {
        self.ptr_eq(other) || self.var().equal(self, other).unwrap_or(false)
    }

    /// The value for any serialiser, if its type has `Serialize`. Whether it may be shown is for the caller to ask.
    #[cfg(feature = "serde")]
    pub(crate) fn serializable(&self) -> Option<&dyn erased_serde::Serialize> {
        self.var().serializable(self)
    }
}

/// What stands for a value that must not be shown.
pub(crate) const REDACTED: &str = "<redacted>";

/// Writes the value as its type's `Debug` does, unless it has none or the variable is redacted.
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

/// Writes the value as its type's `Display` does, or else as its `Debug`.
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
