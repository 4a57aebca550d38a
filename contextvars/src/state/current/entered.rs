//! [`Entered`]: a context that is current for a while, which is what every `run` and every poll comes down to; and [`swap`].
//!
//! The context moves into the thread-local and in the end back to its place. What that costs is less the instructions
//! than the waiting: a processor that loads what it has just stored has to wait for it, and polls follow upon each
//! other. So what was current stays in registers meanwhile, and what comes out as it went in is not written back.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr;

use super::super::State;
use super::{CURRENT, Current};

/// A context that is current until [`leave`](Self::leave), or until this is dropped by a panic; then what was current
/// before is so again.
#[must_use]
pub(crate) struct Entered<'a> {
    /// Where the context was and will be again. [C5] Until then the thread-local owns it; what stands here is a copy of
    /// its bits, which nobody uses but to compare them.
    place: &'a mut ManuallyDrop<State>,
    /// The context that was current.
    outer: ManuallyDrop<State>,
    /// What is current belongs to a thread.
    not_send: PhantomData<*const ()>,
}

impl<'a> Entered<'a> {
    #[inline]
    pub(crate) fn new(state: &'a mut State) -> Self {
        CURRENT.with(|current| {
            current.pin_readers();
            // SAFETY: `ManuallyDrop<T>` is laid out as `T`. [C5] the result has it borrowed, and writes the owner of
            // the values to it before the borrow ends.
            let place = unsafe { &mut *ptr::from_mut(state).cast::<ManuallyDrop<State>>() };
            // SAFETY: [C5] this moves the context out of its place.
            let state = unsafe { ManuallyDrop::take(place) };
            let outer = ManuallyDrop::new(current.switch_to(state));
            Self { place, outer, not_send: PhantomData }
        })
    }

    /// Makes current again what was so before.
    ///
    /// To drop this does the same, but is for panics only: with a `drop` that the compiler does not take apart for
    /// them, this here needs no memory.
    #[inline]
    pub(crate) fn leave(self) {
        let mut this = ManuallyDrop::new(self);
        CURRENT.with(|current| {
            current.pin_readers();
            // SAFETY: `this` is not used any more, nor dropped.
            let outer = unsafe { ManuallyDrop::take(&mut this.outer) };
            put_back(current, this.place, outer);
        });
    }

    /// Calls `f` in the context that was current before: not in a copy, in that one itself.
    #[cfg(feature = "rayon")]
    pub(crate) fn outside<R>(&mut self, f: impl FnOnce() -> R) -> R {
        swap(&mut self.outer);
        let _back = scopeguard::guard(&mut self.outer, |inner| swap(inner));
        f()
    }
}

impl Drop for Entered<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: `drop` is called once, and `leave`, which takes it too, sees to it that it is not called then.
        let outer = unsafe { ManuallyDrop::take(&mut self.outer) };
        leave_by_panic(self.place, outer);
    }
}

#[cold]
#[inline(never)]
fn leave_by_panic(place: &mut ManuallyDrop<State>, outer: State) {
    CURRENT.with(|current| {
        current.pin_readers();
        put_back(current, place, outer);
    });
}

/// Makes `outer` current, and moves what was current into `place`. The caller has pinned the readers.
#[inline]
fn put_back(current: &Current, place: &mut ManuallyDrop<State>, outer: State) {
    let mut state = ManuallyDrop::new(current.switch_to(outer));
    // [C5] Where nothing was changed, what stands there is what comes out, bit for bit, and becomes the owner as it is.
    // Equal bits do not suffice: a change may have freed the map and made another at its address, to which a pointer to
    // the first does not lead, by the compiler's rules. Another context may be here only if coroutines left theirs in
    // another order than they entered them.
    let is_same = !state.mark.is_changed() && state.mark == place.mark && state.vars.is_same(&place.vars);
    if !is_same {
        state.mark = state.mark.unchanged();
        *place = state;
    }
}

/// Makes `state` the current context and the one that was current `state`. Done twice, all is as before.
///
/// For those who learn of the end of something in another call than of its beginning.
#[inline]
pub(crate) fn swap(state: &mut State) {
    CURRENT.with(|current| {
        current.pin_readers();
        current.exchange_values(&mut state.vars);
        state.mark = current.mark.replace(state.mark);
    });
}

/// Calls `f` in an empty context.
pub(in super::super) fn in_empty_context<R>(f: fn() -> R) -> R {
    let mut state = State::new();
    let entered = Entered::new(&mut state);
    let result = f();
    entered.leave();
    result
}
