//! [`Entered`]: a context that is current for a while, which is what every `run` and every poll comes down to.
//!
//! The context moves into the thread-local and in the end back to its place. The cost is store-to-load latency between
//! consecutive polls, not instruction count: so what was current stays in registers meanwhile, and a context that comes
//! out as it went in is not written back.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr;

use super::super::mark::Mark;
use super::super::{State, carried};
use super::{CURRENT, Current, base, with_current};

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
            let outer = if state.mark.is_carrying() { enter_carrying(state) } else { current.switch_to(state) };
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

    /// Calls `f` in the context that was current before: not in a copy, in that one itself. What this context carries is
    /// left alone meanwhile.
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
    if ptr::eq(current.place.get(), ptr::from_ref(&*place).cast()) {
        // [C5] It came from there, and nothing was changed: the same bits are there, and become the owner.
        let _: ManuallyDrop<State> = current.switch_to(outer);
        current.place.set(outer_place);
    } else {
        put_back_changed(place, outer);
    }
}

/// The same for a context that is not as it stands in its place.
///
/// Either it was changed, or it is another than the one that came from there: coroutines with stacks of their own can
/// leave in another order than they entered. Or something that it carries has to be left. In all cases the thread-local
/// forgets about places: what was current further out may have gone to another one, too.
#[cold]
#[inline(never)]
fn put_back_changed(place: &mut ManuallyDrop<State>, outer: ManuallyDrop<State>) {
    // In the context that is left, since carriers run code of other libraries.
    carried::leave(ptr::from_ref(&*place).addr());
    let mut state = with_current(|current| {
        current.pin_readers();
        current.place.set(ptr::null());
        current.switch_to(outer)
    });
    if state.mark.is_base() {
        // Of the thread's own context nothing leaves the thread. Another than this is current there from now on.
        let _: bool = base::is_cleaned_up();
        state.mark = Mark::NEW;
    }
    *place = state;
}

/// Makes a context current with what it carries, and returns the one that was.
///
/// It takes no place, and gets the context by value: so the compiler keeps both in registers where nothing is carried.
#[cold]
#[inline(never)]
fn enter_carrying(state: ManuallyDrop<State>) -> ManuallyDrop<State> {
    with_current(|current| {
        let entering = current.place.get().addr();
        let outer = current.switch_to(state);
        if carried::enter(entering) {
            // There is something to undo, on the way back of a context that was changed.
            current.place.set(ptr::null());
        }
        outer
    })
}

/// What [`swap_in`] leaves for [`swap_out`].
#[cfg(any(feature = "rayon", all(tokio_unstable, feature = "tokio-hooks")))]
pub(crate) struct SwappedIn {
    /// 0: nothing that the context carries was entered.
    entering: usize,
}

/// Makes `state` the current context, with what it carries, and the one that was current `state`.
///
/// For those who learn of the end of something in another call than of its beginning.
#[cfg(any(feature = "rayon", all(tokio_unstable, feature = "tokio-hooks")))]
#[inline]
pub(crate) fn swap_in(state: &mut State) -> SwappedIn {
    let is_carrying = state.mark.is_carrying();
    swap(state);
    let entering = if is_carrying { enter_without_place() } else { 0 };
    SwappedIn { entering }
}

/// Ends what [`swap_in`] began: `state` becomes the context that was current before, and the other way round.
#[cfg(any(feature = "rayon", all(tokio_unstable, feature = "tokio-hooks")))]
#[inline]
pub(crate) fn swap_out(state: &mut State, SwappedIn { entering }: SwappedIn) {
    if entering != 0 {
        carried::leave(entering);
    }
    swap(state);
}

/// Makes current what the current context carries. Returns 0 if there is nothing to leave, or else the number of this
/// entering: an odd one, which no place has for its address.
#[cfg(any(feature = "rayon", all(tokio_unstable, feature = "tokio-hooks")))]
#[cold]
fn enter_without_place() -> usize {
    let entering = with_current(Current::next_identity).number_as_usize() << 1 | 1;
    if carried::enter(entering) { entering } else { 0 }
}

/// Makes `state` the current context and the one that was current `state`, and leaves what they carry alone. Done twice, all
/// is as before.
#[cfg(any(feature = "rayon", all(tokio_unstable, feature = "tokio-hooks")))]
#[inline]
fn swap(state: &mut State) {
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
