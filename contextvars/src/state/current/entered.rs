//! [`Entered`]: a context that is current for a while, which is what every `run` and every poll comes down to.
//!
//! The context moves into the thread-local and in the end back to its place. The cost is store-to-load latency between
//! consecutive polls, not instruction count: so what was current stays in registers meanwhile, and a context that comes
//! out as it went in is not written back.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr;

use super::super::State;
use super::super::mark::Mark;
use super::{CURRENT, Current, base};

/// A context that is current until [`leave`](Self::leave), or until this is dropped by a panic; then what was current
/// before is so again.
#[must_use]
pub(crate) struct Entered<'a> {
    /// Where the context was and will be again. [C5] Until then the thread-local owns it; what stands here is a copy of
    /// its bits, which nobody uses.
    place: &'a mut ManuallyDrop<State>,
    /// The context that was current.
    outer: ManuallyDrop<State>,
    /// What the thread-local had as the place of that one.
    outer_place: *const (),
    /// What is current belongs to a thread.
    not_send: PhantomData<*const ()>,
}

impl<'a> Entered<'a> {
    #[inline]
    pub(crate) fn new(state: &'a mut State) -> Self {
        CURRENT.with(|current| {
            current.pin_readers();
            // SAFETY: `ManuallyDrop<T>` "is guaranteed to have the same layout and bit validity as `T`" (its own
            // documentation), so a reference to one is good for the other. [C5] The result has the place borrowed, and
            // sees to it that what stands there is an owner when the borrow ends.
            let place = unsafe { &mut *ptr::from_mut(state).cast::<ManuallyDrop<State>>() };
            // SAFETY: [C5] the context moves out here, once: what stays in the place is not used until `put_back`.
            let state = unsafe { ptr::read(place) };
            let outer_place = current.place.replace(ptr::from_ref(&*place).cast());
            let outer = current.switch_to(state);
            Self { place, outer, outer_place, not_send: PhantomData }
        })
    }

    /// Makes current again what was so before.
    ///
    /// `Drop` does the same on unwinding. It is outlined so that on the normal path the guard stays in registers.
    #[inline]
    pub(crate) fn leave(self) {
        let mut this = ManuallyDrop::new(self);
        CURRENT.with(|current| {
            current.pin_readers();
            // SAFETY: `this` is not used any more, nor dropped, so the context is taken once.
            let outer = unsafe { ptr::read(&raw const this.outer) };
            let outer_place = this.outer_place;
            put_back(current, this.place, outer, outer_place);
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
        let outer = unsafe { ptr::read(&raw const self.outer) };
        leave_by_panic(self.place, outer, self.outer_place);
    }
}

#[cold]
#[inline(never)]
fn leave_by_panic(place: &mut ManuallyDrop<State>, outer: ManuallyDrop<State>, outer_place: *const ()) {
    CURRENT.with(|current| {
        current.pin_readers();
        put_back(current, place, outer, outer_place);
    });
}

/// Makes `outer` current, and moves what was current into `place`. The caller has pinned the readers.
#[inline]
fn put_back(current: &Current, place: &mut ManuallyDrop<State>, outer: ManuallyDrop<State>, outer_place: *const ()) {
    let state = current.switch_to(outer);
    if ptr::eq(current.place.get(), ptr::from_ref(&*place).cast()) {
        // [C5] It came from there, and nothing was changed: the same bits are there, and become the owner.
        current.place.set(outer_place);
    } else {
        put_into(place, state);
        current.place.set(ptr::null());
    }
}

/// Moves a context into a place, other than as it stands there.
///
/// Either it was changed, or it is another than the one that came from there: coroutines with stacks of their own can
/// leave in another order than they entered. In both cases the thread-local forgets about places: what was current
/// further out may have gone to another one, too.
#[inline]
fn put_into(place: &mut ManuallyDrop<State>, mut state: ManuallyDrop<State>) {
    if state.mark.is_base() {
        // Of the thread's own context nothing leaves the thread. Another than this is current there from now on.
        let _: bool = base::is_cleaned_up();
        state.mark = Mark::NEW;
    }
    *place = state;
}

/// Makes `state` the current context and the one that was current `state`. Done twice, all is as before.
///
/// For those who learn of the end of something in another call than of its beginning.
#[cfg(any(feature = "rayon", all(tokio_unstable, feature = "tokio-hooks")))]
#[inline]
pub(crate) fn swap(state: &mut State) {
    CURRENT.with(|current| {
        current.pin_readers();
        Current::exchange(&current.values, &mut state.vars);
        let mark = current.mark.get();
        current.set_mark(state.mark);
        state.mark = mark;
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
