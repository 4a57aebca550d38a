//! [`Scope`]: what `with_context!` holds while its body runs.
//!
//! The body runs in a copy of the context with the bindings applied. But to make that copy, and to throw it away, costs
//! two counts for each value, and most bodies set nothing. So the outer context *lends* its values: the scope swaps its
//! bindings into the outer context's map, and swaps them back at its end. If the body sets a variable, a copy of the map
//! as it was lent is saved first, and the scope's end restores that copy.
//!
//! A thread's base context lends nothing: it is what a thread falls back on when a scope ends where it should not, and
//! so must be whole. There a copy lends its values, and ends with the scope.
//!
//! Either way, the bound values live until the scope ends. The values that the body set go first, then those.

use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};
use std::panic::Location;
use std::thread;

use super::super::State;
use super::super::declared::ContextVar;
use super::super::mark::{Identity, Mark};
use super::super::value::Value;
use super::super::vars::Vars;
use super::{Current, base, end, with_current};

/// A context with some variables set that is current until this is dropped, wherever that happens; `with_context!`
/// makes it.
///
/// Unlike what `Context::run` does, which a closure call confines, this can be held across an `.await` by mistake. Its
/// end therefore checks that what it leaves is what it entered.
///
/// Nobody has to name it, but clippy's `await_holding_invalid_type` wants the name; see
/// [`with_context!`](crate::with_context#asynchronous-code).
///
/// # Panics
/// On drop, if another context is current than the one it entered, unless the thread is panicking already.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, with_context};
/// #[context_var(default = 0)]
/// static DEPTH: u32;
///
/// # fn main() {
/// // The scope ends with the body, however that ends.
/// let deepest = (0..).find(|&depth| with_context!(DEPTH = depth, { DEPTH.get() == 3 }));
/// assert_eq!((deepest, DEPTH.get()), (Some(3), 0));
/// # }
/// ```
#[must_use]
pub struct Scope<const N: usize> {
    /// The mark of the context around.
    outer: Mark,
    /// While the scope is open: what the bindings replaced.
    bindings: [Bound; N],
    /// The identity of the context entered.
    identity: Identity,
    began: &'static Location<'static>,
    /// What is current belongs to a thread.
    not_send: PhantomData<*const ()>,
}

/// One binding of a scope: a variable, and a value of it. `None` in the place of a value: unset.
#[doc(hidden)]
pub struct Bound {
    id: u32,
    /// Whether what is bound must not be inherited.
    is_private: bool,
    /// Whether to drop the bound value may run code.
    has_destructor: bool,
    value: Option<Value>,
}

impl Bound {
    #[inline]
    pub(crate) fn new<T: Send + Sync + 'static>(var: &'static ContextVar<T>, value: T) -> Self {
        Self {
            id: var.assigned_id(),
            is_private: !var.variable().inherits(),
            has_destructor: const { mem::needs_drop::<T>() },
            value: Some(Value::new(var, value)),
        }
    }

    /// Changes places with the variable's value. Done twice, all is as before.
    fn exchange(&mut self, values: &mut Vars<Value>) {
        self.value = match self.value.take() {
            Some(value) => values.insert(self.id, value),
            None => values.remove(self.id),
        };
    }
}

impl<const N: usize> Scope<N> {
    #[inline]
    #[track_caller]
    pub(crate) fn new(mut bindings: [Bound; N]) -> Self {
        let (outer, identity) = with_current(|current| {
            let outer = current.mark.get();
            let identity = current.next_identity();
            let is_private = bindings.iter().any(|bound| bound.is_private);
            let of_body = if is_private { outer.of_copy().with_private() } else { outer.of_copy() };
            let of_body = of_body.of_scope_in(outer).lent().with_identity(identity);
            if outer.is_base() {
                current.enter_copy_of_base(of_body, &mut bindings);
            } else {
                // The mark first: after a change, destructors of what an allocator has set meanwhile may run, and set
                // more.
                current.set_mark(of_body);
                current.exchange_all(&mut bindings);
            }
            (outer, identity)
        });
        Self { outer, bindings, identity, began: Location::caller(), not_send: PhantomData }
    }

    /// Ends where it began. What the body's context alone held is dropped when the outer one is current again.
    #[inline]
    fn end(&mut self, current: &Current) {
        let is_lent = current.mark.get().is_lent();
        if self.outer.is_base() {
            return current.leave_copy_of_base(self.outer, self.identity, is_lent && !self.has_destructors());
        }
        // The mark first, as above.
        current.set_mark(self.outer);
        if is_lent {
            current.exchange_back(&mut self.bindings);
        } else {
            current.restore_lent(&mut self.bindings, self.identity);
        }
    }

    /// Whether to drop the bound values may run code.
    #[inline]
    fn has_destructors(&self) -> bool {
        self.bindings.iter().any(|bound| bound.has_destructor)
    }

    /// Ends in a context that is not the one entered: that would now belong to somebody else.
    #[cold]
    fn end_elsewhere(&self, current: &Current) {
        // A thread's base context is where it goes if nothing else is known; any other belongs to work that may be
        // long gone. But it cannot take the place of a context that a `run` or a poll has entered and will want back.
        if self.outer.is_base() && current.mark.get().is_outermost() && !current.mark.get().is_base() {
            current.leave_copy_of_base(self.outer, self.identity, false);
        } else {
            drop(current.take_saved(self.identity));
        }
        assert!(
            thread::panicking(),
            "the `with_context!` scope entered at {} ended in another context: its body was suspended by an `.await`\n\
             help: write `with_context!(.., async move {{ .. }}).await`",
            self.began
        );
    }
}

impl<const N: usize> Drop for Scope<N> {
    #[inline]
    fn drop(&mut self) {
        with_current(|current| {
            if current.has_identity(self.identity) {
                self.end(current);
            } else {
                self.end_elsewhere(current);
            }
        });
        // The scope's context has ended, and its values are freed as any context's.
        if self.has_destructors() {
            let bindings = &mut self.bindings;
            end::drop_in_empty_context(|| bindings.iter_mut().for_each(|bound| drop(bound.value.take())));
        }
    }
}

impl Current {
    /// Makes a copy of the base context, with the bindings, current instead of it.
    #[inline(never)]
    fn enter_copy_of_base(&self, of_body: Mark, bindings: &mut [Bound]) {
        let mut copy = self.copy_of_base();
        for bound in bindings {
            bound.exchange(&mut copy);
        }
        self.pin_readers();
        Self::exchange(&self.values, &mut copy);
        self.set_mark(of_body);
    }

    /// Makes the base context current again, instead of the copy, which ends. `is_quiet` says that no code runs when the
    /// values of the copy are dropped.
    #[inline(never)]
    fn leave_copy_of_base(&self, base: Mark, identity: Identity, is_quiet: bool) {
        self.pin_readers();
        let mut copy = Vars::new();
        Self::exchange(&self.values, &mut copy);
        self.set_mark(base);
        if is_quiet {
            return drop(copy);
        }
        drop(State::of(copy, Mark::NEW));
        drop(self.take_saved(identity).map(|saved| State::of(saved, Mark::NEW)));
    }

    /// The bindings change places with what they replace. What cannot do so in place does in one change, or destructors
    /// of what an allocator has set meanwhile would find a half of it.
    #[inline]
    fn exchange_all(&self, bindings: &mut [Bound]) {
        self.pin_readers();
        for at in 0..bindings.len() {
            if !Self::swap_in_place(&self.values, bindings[at].id, &mut bindings[at].value) {
                return self.exchange_in_one_change(&mut bindings[at..]);
            }
        }
    }

    #[inline(never)]
    fn exchange_in_one_change(&self, bindings: &mut [Bound]) {
        self.change(|values| bindings.iter_mut().for_each(|bound| bound.exchange(values)));
    }

    /// The same in the reverse order, for the sake of a variable that is bound twice.
    #[inline]
    fn exchange_back(&self, bindings: &mut [Bound]) {
        self.pin_readers();
        for at in (0..bindings.len()).rev() {
            if !Self::swap_in_place(&self.values, bindings[at].id, &mut bindings[at].value) {
                return self.exchange_back_in_one_change(&mut bindings[..=at]);
            }
        }
    }

    #[inline(never)]
    fn exchange_back_in_one_change(&self, bindings: &mut [Bound]) {
        self.change(|values| bindings.iter_mut().rev().for_each(|bound| bound.exchange(values)));
    }

    /// Brings back what a scope was lent by a context that its body has changed, with the bindings undone.
    #[cold]
    #[inline(never)]
    fn restore_lent(&self, bindings: &mut [Bound], identity: Identity) {
        let Some(saved) = self.take_saved(identity) else { return };
        // One change, as above.
        let vars = self.change(|values| {
            let of_body = mem::replace(values, saved);
            bindings.iter_mut().rev().for_each(|bound| bound.exchange(values));
            of_body
        });
        drop(State::of(vars, Mark::NEW));
    }
}

/// The values that a scope was lent, saved before its body changed them. There may be some for each open scope.
pub(super) struct Saved {
    /// Of the context that the scope has entered.
    identity: Identity,
    values: Vars<Value>,
}

impl Current {
    /// Saves the current context's values, which a scope was lent and which are about to change.
    #[cold]
    pub(super) fn save_lent(&self) {
        // The mark first: what an allocator does below finds a context that is changed like any other.
        let mark = self.mark.get();
        self.set_mark(mark.not_lent());
        save(mark, self.values().clone());
    }

    fn push_saved(&self, saved: Saved) {
        let mut list = self.saved.replace(ManuallyDrop::new(Vec::new()));
        list.push(saved);
        // What was saved as the list grew, by an allocator that uses variables, is of scopes within this one.
        let meanwhile = self.saved.replace(list);
        for saved in ManuallyDrop::into_inner(meanwhile) {
            self.push_saved(saved);
        }
    }

    /// The values that were saved for a scope, if any were.
    #[cold]
    fn take_saved(&self, identity: Identity) -> Option<Vars<Value>> {
        let mut list = self.saved.replace(ManuallyDrop::new(Vec::new()));
        // Scopes end in the reverse order, but for those that are suspended by mistake.
        let at = list.iter().rposition(|saved| saved.identity == identity);
        let saved = at.map(|at| list.remove(at));
        if list.is_empty() && !base::is_cleaned_up() {
            // Nobody would free the list after this.
            drop(ManuallyDrop::into_inner(list));
        } else {
            drop(ManuallyDrop::into_inner(self.saved.replace(list)));
        }
        saved.map(|saved| saved.values)
    }

    /// Everything that is saved, for the thread's end.
    pub(super) fn take_all_saved(&self) -> Vec<Saved> {
        ManuallyDrop::into_inner(self.saved.replace(ManuallyDrop::new(Vec::new())))
    }
}

/// Saves, for the scope that lent them, the values of a context with this mark, which is on this thread.
#[cold]
pub(in super::super) fn save(mark: Mark, values: Vars<Value>) {
    let Some(identity) = mark.identity() else { return };
    let _: bool = base::is_cleaned_up();
    with_current(|current| current.push_saved(Saved { identity, values }));
}
