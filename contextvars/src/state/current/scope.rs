//! [`Scope`]: the guard of `with_context!` while its body runs.
//!
//! The body runs in a copy of the context with the bindings applied. But creating and dropping such a copy costs two
//! reference counts for each value, and most bodies set nothing. So the outer context *lends* its values: the scope
//! swaps its bindings into the outer context's map, and swaps them back at its end. If the body sets a variable, a copy
//! of the lent map is saved first, and the scope's end restores that copy.
//!
//! A thread's base context is never lent: it becomes current again when a scope ends in the wrong context, and so must
//! be unchanged. Instead a copy of it lends its values, and ends with the scope.
//!
//! Either way, the bound values live until the scope ends. The values that the body set are dropped first, then the
//! bound ones.

use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};
use std::panic::Location;
use std::thread;

use super::super::State;
use super::super::context_var::ContextVar;
use super::super::mark::{Identity, Mark};
use super::super::trie::Trie;
use super::super::value::Value;
use super::{Current, base, end, with_current};

/// A context with some variables set that is current until this guard is dropped; `with_context!` creates it.
///
/// Unlike `Context::run`, which ends with a closure call, this can be held across an `.await` by mistake. So its end
/// checks that it leaves the context that it entered.
///
/// It is public because clippy's `await_holding_invalid_type` needs the name; see
/// [`with_context!`](crate::with_context#asynchronous-code).
///
/// # Panics
/// On drop, if the current context is not the one that it entered, unless the thread is panicking already.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, with_context};
/// #[context_var(default = 0)]
/// static DEPTH: u32;
///
/// # fn main() {
/// // The scope ends with the body, also by `return` or a panic.
/// let deepest = (0..).find(|&depth| with_context!(DEPTH = depth, { DEPTH.get() == 3 }));
/// assert_eq!((deepest, DEPTH.get()), (Some(3), 0));
/// # }
/// ```
#[must_use]
pub struct Scope<const N: usize> {
    /// The mark of the outer context.
    outer: Mark,
    /// While the scope is open, the values that the bindings replaced.
    bindings: [Bound; N],
    /// The identity of the context entered.
    identity: Identity,
    began: &'static Location<'static>,
    /// The current context belongs to a thread.
    not_send: PhantomData<*const ()>,
}

/// One binding of a scope: a variable and a value of it, or `None` for unset.
#[doc(hidden)]
pub struct Bound {
    id: u32,
    /// Whether the variable must not be inherited.
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

    /// Swaps the bound value with the variable's value. Two exchanges restore both.
    fn exchange(&mut self, values: &mut Trie<Value>) {
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
                // The mark is set first: after a change, destructors of values that an allocator has set meanwhile may
                // run and set more variables, which must find the new mark.
                current.set_mark(of_body);
                current.exchange_all(&mut bindings);
            }
            (outer, identity)
        });
        Self { outer, bindings, identity, began: Location::caller(), not_send: PhantomData }
    }

    /// Ends in the context that it entered. Values that only the body's context owned are dropped after the outer one
    /// is current again.
    #[inline]
    fn end(&mut self, current: &Current) {
        let is_lent = current.mark.get().is_lent();
        if self.outer.is_base() {
            return current.leave_copy_of_base(self.outer, self.identity, is_lent && !self.has_destructors());
        }
        // The mark is set first, as above.
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

    /// Ends in a context other than the one entered, which may belong to other work by now.
    #[cold]
    fn end_elsewhere(&self, current: &Current) {
        // The fallback is the thread's base context: any other outer context belongs to work that may have ended. But
        // it must not replace a context that a `run` or a poll has entered and will leave later.
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
        // The scope's context has ended, and its values are freed as those of any context.
        if self.has_destructors() {
            let bindings = &mut self.bindings;
            end::drop_in_empty_context(|| bindings.iter_mut().for_each(|bound| drop(bound.value.take())));
        }
    }
}

impl Current {
    /// Replaces the base context by a copy of it with the bindings.
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

    /// Makes the base context current again; the copy ends. `is_quiet` means that dropping the values of the copy runs
    /// no other code.
    #[inline(never)]
    fn leave_copy_of_base(&self, base: Mark, identity: Identity, is_quiet: bool) {
        self.pin_readers();
        let mut copy = Trie::new();
        Self::exchange(&self.values, &mut copy);
        self.set_mark(base);
        if is_quiet {
            return drop(copy);
        }
        drop(State::of(copy, Mark::NEW));
        drop(self.take_saved(identity).map(|saved| State::of(saved, Mark::NEW)));
    }

    /// Swaps the bindings with the values that they replace. Those that cannot be swapped in place are swapped in one
    /// change: otherwise destructors of values that an allocator has set meanwhile would see only some of the bindings.
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

    /// The same in the reverse order, which matters for a variable that is bound twice.
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

    /// Restores the saved values that a scope was lent, for a context that its body has changed, and undoes the
    /// bindings.
    #[cold]
    #[inline(never)]
    fn restore_lent(&self, bindings: &mut [Bound], identity: Identity) {
        let Some(saved) = self.take_saved(identity) else { return };
        // One change, as above.
        let of_body = self.change(|values| {
            let of_body = mem::replace(values, saved);
            bindings.iter_mut().rev().for_each(|bound| bound.exchange(values));
            of_body
        });
        drop(State::of(of_body, Mark::NEW));
    }
}

/// The values that a scope was lent, saved before the body's first change. There may be an entry for each open scope.
pub(super) struct Saved {
    /// The identity of the context that the scope has entered.
    identity: Identity,
    values: Trie<Value>,
}

impl Current {
    /// Saves the current context's lent values, which are about to change.
    #[cold]
    pub(super) fn save_lent(&self) {
        // The mark is set first: a set by an allocator below must find an ordinary context, or it would save the values
        // again.
        let mark = self.mark.get();
        self.set_mark(mark.not_lent());
        save(mark, self.values().clone());
    }

    fn push_saved(&self, saved: Saved) {
        let mut list = self.saved.replace(ManuallyDrop::new(Vec::new()));
        list.push(saved);
        // Entries that were saved while the list grew, by an allocator that uses variables, belong to scopes inside of
        // this one.
        let meanwhile = self.saved.replace(list);
        for saved in ManuallyDrop::into_inner(meanwhile) {
            self.push_saved(saved);
        }
    }

    /// Removes and returns the values that were saved for a scope, if there are any.
    #[cold]
    fn take_saved(&self, identity: Identity) -> Option<Trie<Value>> {
        let mut list = self.saved.replace(ManuallyDrop::new(Vec::new()));
        // Scopes end in the reverse order, except those that are suspended by mistake.
        let at = list.iter().rposition(|saved| saved.identity == identity);
        let saved = at.map(|at| list.remove(at));
        if list.is_empty() && !base::is_cleaned_up() {
            // The thread's cleaner has run, so nothing would free the list after this.
            drop(ManuallyDrop::into_inner(list));
        } else {
            drop(ManuallyDrop::into_inner(self.saved.replace(list)));
        }
        saved.map(|saved| saved.values)
    }

    /// Removes and returns all saved values, for the end of the thread.
    pub(super) fn take_all_saved(&self) -> Vec<Saved> {
        ManuallyDrop::into_inner(self.saved.replace(ManuallyDrop::new(Vec::new())))
    }
}

/// Saves the values of a context with this mark, which is on this thread, for the scope to which they were lent.
#[cold]
pub(in super::super) fn save(mark: Mark, values: Trie<Value>) {
    let Some(identity) = mark.identity() else { return };
    let _: bool = base::is_cleaned_up();
    with_current(|current| current.push_saved(Saved { identity, values }));
}
