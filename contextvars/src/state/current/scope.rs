//! [`Scope`]: the guard of `with_context!` while its body runs.
//!
//! The body runs in a copy of the context with the bindings applied. But creating and dropping such a copy costs two
//! reference counts for each value, and most bodies set nothing. So the outer context *lends* its values: the scope
//! swaps its bindings into the outer context's map, and swaps them back at its end. If the body sets a variable, a copy
//! of the lent map is saved first, and the scope's end restores that copy.
//!
//! A thread's base context is never lent: it becomes current again when a scope ends in the wrong context, and so must
//! be unchanged. Instead a copy of it lends its values. That copy is kept for the next scope ([`BaseCopy`]), unless the
//! body has set a variable or made copies.
//!
//! Either way, the bound values live until the scope ends. The values that the body set are dropped first, then the
//! bound ones.

use std::marker::PhantomData;
use std::mem;
use std::panic::Location;
use std::thread;

use super::super::contents::State;
use super::super::context_var::ContextVar;
use super::super::mark::{Identity, Mark};
use super::super::trie::Trie;
use super::super::value::Value;
use super::base::keep_for_next;
use super::{BaseCopy, Current, end, with_current};

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
    /// Whether it has entered a copy of a base context whose values were visible.
    was_base_visible: bool,
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
            value: Some(var.value(value)),
        }
    }

    /// Swaps the bound value with the variable's value. Two exchanges restore both.
    fn exchange(&mut self, values: &mut Trie<Value>) {
        if let Some(place) = values.place(self.id) {
            return mem::swap(place, &mut self.value);
        }
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
        let (outer, identity, was_base_visible) = with_current(|current| {
            let was_base_visible = current.mark.get().is_base() && enter_copy_of_base();
            // Only now: an allocator that uses variables may have changed the mark.
            let outer = current.mark.get();
            let identity = current.next_identity();
            let is_private = bindings.iter().any(|bound| bound.is_private);
            let of_body = if is_private { outer.of_copy().with_private() } else { outer.of_copy() };
            let of_body = of_body.of_scope_in(outer).lent().with_identity(identity);
            // The mark is set first: after a change, destructors of values that an allocator has set meanwhile may run
            // and set more variables, which must find the new mark.
            current.set_mark(of_body);
            current.exchange_all(&mut bindings);
            (outer, identity, was_base_visible)
        });
        Self { outer, was_base_visible, bindings, identity, began: Location::caller(), not_send: PhantomData }
    }

    /// Ends in the context that it entered. Values that only the body's context owned are dropped after the outer one
    /// is current again.
    #[inline]
    fn end(&mut self, current: &Current) {
        let is_lent = current.mark.get().is_lent();
        if self.outer.is_base() {
            let is_as_it_was = is_lent && current.swap_back(&mut self.bindings) == 0;
            if !(is_as_it_was && keep_for_next(self.outer, self.was_base_visible)) {
                leave_copy_of_base(self.outer, self.identity);
            }
            return;
        }
        if !is_lent {
            return restore_lent(&mut self.bindings, self.outer, self.identity);
        }
        // The mark is set first, as above.
        current.set_mark(self.outer);
        match current.swap_back(&mut self.bindings) {
            0 => {}
            left => exchange_in_one_change(self.bindings[..left].iter_mut().rev()),
        }
    }

    /// Whether to drop the bound values may run code.
    #[inline]
    fn has_destructors(&self) -> bool {
        self.bindings.iter().any(|bound| bound.has_destructor)
    }

    /// Ends in a context other than the one entered, which may belong to other work by now.
    #[cold]
    fn end_elsewhere(&self) {
        with_current(|current| {
            // The fallback is the thread's base context: any other outer context belongs to work that may have ended.
            // But it must not replace a context that a `run` or a poll has entered and will leave later.
            if self.outer.is_base() && current.mark.get().is_outermost() && !current.mark.get().is_base() {
                leave_copy_of_base(self.outer, self.identity);
            } else {
                drop(current.take_saved(self.identity).map(|saved| State::of(saved, Mark::NEW)));
            }
        });
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
        // The scope's context ends here, and its values are freed as those of any context, also by a panic.
        let mut scope = scopeguard::guard(self, |scope| {
            if scope.has_destructors() {
                let bindings = &mut scope.bindings;
                end::drop_in_empty_context(|| drop(bindings.each_mut().map(|bound| bound.value.take())));
            }
        });
        with_current(|current| {
            if current.has_identity(scope.identity) {
                scope.end(current);
            } else {
                scope.end_elsewhere();
            }
        });
    }
}

/// Replaces the base context by a copy of it, and returns whether its values are visible. The caller sets the mark.
///
/// No reader loses a value: while the base context is current, a reader has one of the base's own, which stay there.
#[inline(never)]
fn enter_copy_of_base() -> bool {
    with_current(|current| {
        let BaseCopy { mut values, was_visible } = current.take_base_copy();
        // If a copy was dropped or made for it, an allocator may have switched to a coroutine that entered a context.
        let is_base = current.mark.get().is_base();
        if is_base {
            current.values.exchange(&mut values);
        }
        is_base && was_visible
    })
}

/// Makes the base context current again. The copy of it ends.
#[inline(never)]
fn leave_copy_of_base(base: Mark, identity: Identity) {
    with_current(|current| {
        let mut values = Trie::new();
        current.pin_readers();
        current.values.exchange(&mut values);
        current.set_mark(base);
        // Both also if a destructor panics.
        let _saved = current.take_saved(identity).map(|saved| State::of(saved, Mark::NEW));
        drop(State::of(values, Mark::NEW));
    });
}

impl Current {
    /// Swaps the bindings with the values that they replace. Those that cannot be swapped in place are swapped in one
    /// change: otherwise destructors of values that an allocator has set meanwhile would see only some of the bindings.
    #[inline]
    fn exchange_all(&self, bindings: &mut [Bound]) {
        self.pin_readers();
        for at in 0..bindings.len() {
            if !self.values.swap_in_place(bindings[at].id, &mut bindings[at].value) {
                return exchange_in_one_change(bindings[at..].iter_mut());
            }
        }
    }

    /// Swaps the bindings back, as far as that can be done in place, and returns how many are left. In the reverse order,
    /// which matters for a variable that is bound twice.
    #[inline]
    fn swap_back(&self, bindings: &mut [Bound]) -> usize {
        self.pin_readers();
        let is_stuck = |bound: &mut Bound| !self.values.swap_in_place(bound.id, &mut bound.value);
        match bindings.iter_mut().rposition(is_stuck) {
            Some(at) => at + 1,
            None => 0,
        }
    }
}

#[inline(never)]
fn exchange_in_one_change<'a>(bindings: impl Iterator<Item = &'a mut Bound>) {
    with_current(|current| current.change(|values| bindings.for_each(|bound| bound.exchange(values))));
}

/// Restores the saved values that a scope was lent, for a context that its body has changed, and undoes the bindings.
#[cold]
#[inline(never)]
fn restore_lent(bindings: &mut [Bound], outer: Mark, identity: Identity) {
    with_current(|current| {
        // Before the mark is set: an allocator that uses variables may change the values of the body, which end here,
        // but not those of the outer context.
        let saved = current.take_saved(identity);
        current.set_mark(outer);
        // One change, as above.
        let of_body = current.change(|values| {
            // Missing only after the thread's cleaner has run.
            let of_body = saved.map(|saved| mem::replace(values, saved));
            bindings.iter_mut().rev().for_each(|bound| bound.exchange(values));
            of_body
        });
        drop(of_body.map(|of_body| State::of(of_body, Mark::NEW)));
    });
}
