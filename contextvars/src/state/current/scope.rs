//! [`Scope`]: what `with_context!` holds while its body runs.
//!
//! The body runs in a copy of the context with the bindings applied. But to make that copy, and to throw it away, costs
//! two counts for each value, and most bodies set nothing. So the outer context *lends* its values: the bindings change
//! places with what they replace, which they do again in the end. If the body does set something, that is kept apart
//! from what was lent: the values as lent are put by, under a variable of their own that nobody sees, and the end takes
//! them from there.
//!
//! A thread's base context lends nothing: it is what a thread falls back on when a scope ends where it should not, and
//! so must be whole. There the body runs in a true copy.
//!
//! Either way, the bound values live until the scope ends. The values that the body set go first, then those.

use std::marker::PhantomData;
use std::mem;
use std::panic::Location;
use std::ptr;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::super::State;
use super::super::declared::ContextVar;
use super::super::mark::{Identity, Mark};
use super::super::traits::Traits;
use super::super::value::Value;
use super::super::vars::Vars;
use super::entered::swap;
use super::{CURRENT, Current, snapshot};
use crate::variable::Variable;

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
///
/// # Python
/// Has no counterpart: `with var.set(..)` of Python 3.14 sets in the current context itself.
#[must_use]
pub struct Scope<const N: usize> {
    outer: Outer,
    /// While the scope is open: what the bindings replaced, or, if the outer context is whole, the bound values.
    bindings: [Bound; N],
    /// The identity of the context entered.
    identity: Identity,
    began: &'static Location<'static>,
    /// What is current belongs to a thread.
    not_send: PhantomData<*const ()>,
}

/// The context around a scope.
enum Outer {
    /// Its values are the current ones, or those kept for it; with the bindings undone they are as they were.
    Lent(Mark),
    /// It is here.
    Whole(State),
}

/// One binding of a scope: a variable, and a value of it. `None` in the place of a value: unset.
#[doc(hidden)]
pub struct Bound {
    id: u32,
    /// Whether what is bound must not be inherited.
    is_private: bool,
    value: Option<Value>,
}

impl Bound {
    #[inline]
    pub(crate) fn new<T: Send + Sync + 'static>(var: &'static ContextVar<T>, value: T) -> Self {
        Self { id: var.assigned_id(), is_private: !var.variable().inherits(), value: Some(Value::new(var, value)) }
    }

    /// Sets the variable in a map where every value has an owner besides, and keeps the value.
    fn copy_to(&self, vars: &mut Vars<Value>) {
        if let Some(value) = &self.value {
            drop(vars.insert(self.id, value.clone()));
        }
    }

    /// Changes places with the variable's value. Done twice, all is as before.
    #[inline]
    fn exchange(&mut self, vars: &mut Vars<Value>) {
        self.value = match self.value.take() {
            Some(value) => vars.insert(self.id, value),
            None => vars.remove(self.id),
        };
    }
}

impl<const N: usize> Scope<N> {
    #[inline]
    #[track_caller]
    pub(crate) fn new(mut bindings: [Bound; N]) -> Self {
        let (outer, identity) = CURRENT.with(|current| {
            let mark = current.mark.get();
            let is_private = bindings.iter().any(|bound| bound.is_private);
            let of_body = if is_private { mark.of_copy().with_private() } else { mark.of_copy() }.of_scope_in(mark);
            // The mark first: after a change, destructors of what an allocator has set meanwhile may run, and set more.
            if mark.is_base() {
                let mut copy = snapshot();
                swap(&mut copy);
                current.mark.set(of_body);
                let identity = current.new_identity();
                current.change(|vars| bindings.iter().for_each(|bound| bound.copy_to(vars)));
                (Outer::Whole(copy), identity)
            } else {
                current.mark.set(of_body.lent());
                let identity = current.new_identity();
                current.change(|vars| bindings.iter_mut().for_each(|bound| bound.exchange(vars)));
                (Outer::Lent(mark), identity)
            }
        });
        Self { outer, bindings, identity, began: Location::caller(), not_send: PhantomData }
    }

    /// Ends where it began. What the body's context alone held is dropped when the outer one is current again.
    #[inline]
    fn end(&mut self, current: &Current) {
        match &mut self.outer {
            Outer::Whole(state) => swap(state),
            Outer::Lent(mark) => {
                let was_lent = current.mark.replace(*mark).is_lent();
                // One change, or destructors of what an allocator has set meanwhile would find a half of it.
                let leftovers = current.change(|vars| {
                    let leftovers = if was_lent { None } else { take_kept(vars) };
                    // In the reverse order, for the sake of a variable that is bound twice.
                    self.bindings.iter_mut().rev().for_each(|bound| bound.exchange(vars));
                    leftovers
                });
                drop(leftovers);
            }
        }
    }

    /// Ends in a context that is not the one entered: that would now belong to somebody else.
    #[cold]
    fn end_elsewhere(&mut self) {
        // A thread's base context is where it goes if nothing else is known; any other belongs to work that may be
        // long gone. But it cannot take the place of a context that a `run` or a poll has entered and will want back.
        match &mut self.outer {
            Outer::Whole(state) if CURRENT.with(|current| current.mark.get().is_outermost()) => swap(state),
            _ => {}
        }
        assert!(
            thread::panicking(),
            "the `with_context!` scope entered at {} ended in another context: its body was suspended by an `.await`; \
             write `with_context!(.., async move {{ .. }}).await` instead",
            self.began
        );
    }
}

impl<const N: usize> Drop for Scope<N> {
    #[inline]
    fn drop(&mut self) {
        CURRENT.with(|current| {
            if current.has_identity(self.identity) {
                self.end(current);
            } else {
                self.end_elsewhere();
            }
        });
    }
}

/// The values that a scope was lent, in the context of a body that went on to change them.
struct PutBy(Mutex<Vars<Value>>);

/// Under this stands what is [`PutBy`]. Declared without the macro, so that no list of variables has it.
static PUT_BY: ContextVar<PutBy> = ContextVar::declared(
    Variable::declared("PUT_BY", module_path!(), file!(), line!(), column!()).not_inherited(),
    None,
    Traits::NONE,
);

/// Whether the value is one that the crate itself put into the context.
#[inline]
pub(in super::super) fn is_internal(value: &Value) -> bool {
    ptr::addr_eq(value.var(), &raw const PUT_BY)
}

/// Puts by the values of a context that is lent, which may change thereafter.
#[cold]
pub(in super::super) fn keep(vars: &mut Vars<Value>) {
    let kept = Value::new(&PUT_BY, PutBy(Mutex::new(vars.clone())));
    // What an outer scope has put by is among the values put by here, and so not lost.
    drop(vars.insert(PUT_BY.assigned_id(), kept));
}

/// Brings back the values that [`keep`] has put by, and returns those that took their place.
#[cold]
fn take_kept(vars: &mut Vars<Value>) -> Option<(Vars<Value>, Value)> {
    let value = vars.remove(PUT_BY.id())?;
    // Nobody else can lock it, and to take it leaves nothing with the copies that were made of the body's context.
    let kept = mem::take(&mut *value.downcast_ref::<PutBy>()?.0.lock().unwrap_or_else(PoisonError::into_inner));
    Some((mem::replace(vars, kept), value))
}
