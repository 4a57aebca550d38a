//! [`Entered`]: a guard that makes a context current. Every `run` and every poll uses it.
//!
//! The context moves into the thread-local, and at the end back to its place. The cost is store-to-load latency between
//! consecutive polls, not instruction count: so the previous context stays in registers meanwhile, and a context that
//! is unchanged is not written back.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr;

use super::super::contents::State;
use super::super::mark::Mark;
use super::{CURRENT, Current, base, carried, with_current};

/// A context that is current until [`leave`](Self::leave), or until this is dropped by a panic; then the previous
/// context is restored.
#[must_use]
pub(crate) struct Entered<'a> {
    /// The place of the context, to which it will be moved back. [C5] Until then the thread-local owns the context; the
    /// place has a copy of its bits, which is not used.
    place: &'a mut ManuallyDrop<State>,
    /// The previous context.
    outer: ManuallyDrop<State>,
    /// The place of the previous context, as the thread-local had it.
    outer_place: *const (),
    /// The current context belongs to a thread.
    not_send: PhantomData<*const ()>,
}

impl<'a> Entered<'a> {
    #[inline]
    pub(crate) fn new(state: &'a mut State) -> Self {
        CURRENT.with(|current| {
            current.pin_readers();
            // SAFETY: `ManuallyDrop<T>` "is guaranteed to have the same layout and bit validity as `T`" (its own
            // documentation), so a reference to one is valid for the other. [C5] The result borrows the place, and
            // `put_back` ensures that the place owns a context when the borrow ends.
            let place = unsafe { &mut *ptr::from_mut(state).cast::<ManuallyDrop<State>>() };
            // SAFETY: [C5] the context is moved out once, here: the bits that stay in the place are not used until
            // `put_back`.
            let state = unsafe { ptr::read(place) };
            let outer_place = current.place.replace(ptr::from_ref(&*place).cast());
            let outer = if state.mark.is_carrying() { enter_carrying(state) } else { current.switch_to(state) };
            Self { place, outer, outer_place, not_send: PhantomData }
        })
    }

    /// Restores the previous context.
    ///
    /// `Drop` does the same on unwinding. It is outlined so that on the normal path the guard stays in registers.
    #[inline]
    pub(crate) fn leave(self) {
        let mut this = ManuallyDrop::new(self);
        CURRENT.with(|current| {
            current.pin_readers();
            // SAFETY: `this` is neither used nor dropped after this, so the context is taken once.
            let outer = unsafe { ptr::read(&raw const this.outer) };
            let outer_place = this.outer_place;
            put_back(current, this.place, outer, outer_place);
        });
    }

    /// Calls `f` in the previous context itself, not in a copy. Carried state is neither left nor entered for that.
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
        // SAFETY: `drop` is called once, and not after `leave`, which also takes the context but wraps `self` in
        // `ManuallyDrop`.
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

/// Makes `outer` current, and moves the current context into `place`. The caller has pinned the readers.
#[inline]
fn put_back(current: &Current, place: &mut ManuallyDrop<State>, outer: ManuallyDrop<State>, outer_place: *const ()) {
    if ptr::eq(current.place.get(), ptr::from_ref(&*place).cast()) {
        // [C5] The context came from there and is unchanged: the place has the same bits, which become the owner again.
        let _: ManuallyDrop<State> = current.switch_to(outer);
        current.place.set(outer_place);
    } else {
        put_back_changed(place, outer);
    }
}

/// The same for a context that differs from the bits in its place.
///
/// Either it was changed, or it is a different context than the one that came from there: coroutines with stacks of
/// their own can leave in another order than they entered. Or it has carried state to leave. In all cases the
/// thread-local discards the place: an outer context may have been moved to another place, too.
#[cold]
#[inline(never)]
fn put_back_changed(place: &mut ManuallyDrop<State>, outer: ManuallyDrop<State>) {
    // Called in the context that is being left, since carriers run code of other libraries.
    carried::leave(ptr::from_ref(&*place).addr());
    let mut state = with_current(|current| {
        current.pin_readers();
        current.place.set(ptr::null());
        current.switch_to(outer)
    });
    if state.mark.is_base() {
        // The base context never leaves its thread: its values stay in `base`, and an empty context moves out.
        // From now on another context is outermost on this thread, whose values the cleaner must free.
        let _: bool = base::will_be_cleaned_up();
        state.mark = Mark::NEW;
    }
    state.save_lent();
    *place = state;
}

/// Makes a context current with its carried state, and returns the previous one.
///
/// It takes the context by value and no place, so that the compiler keeps both contexts in registers if nothing is
/// carried.
#[cold]
#[inline(never)]
fn enter_carrying(state: ManuallyDrop<State>) -> ManuallyDrop<State> {
    with_current(|current| {
        let number = current.place.get().addr();
        let outer = current.switch_to(state);
        if carried::enter(number) {
            // Carried state must be left, so the context takes the path of a changed one when it is put back.
            current.place.set(ptr::null());
        }
        outer
    })
}

/// The state that [`swap_in`] passes to [`swap_out`].
#[cfg(any(feature = "rayon", all(tokio_unstable, feature = "tokio-hooks")))]
pub(crate) struct SwappedIn {
    /// By which the carried state is left; 0 if none was entered.
    number: usize,
}

/// Swaps `state` with the current context, and enters its carried state.
///
/// For callers that are told of the beginning and the end of work in two separate calls.
#[cfg(any(feature = "rayon", all(tokio_unstable, feature = "tokio-hooks")))]
#[inline]
pub(crate) fn swap_in(state: &mut State) -> SwappedIn {
    let is_carrying = state.mark.is_carrying();
    swap(state);
    let number = if is_carrying { enter_without_place() } else { 0 };
    SwappedIn { number }
}

/// Undoes [`swap_in`]: swaps the two contexts back.
#[cfg(any(feature = "rayon", all(tokio_unstable, feature = "tokio-hooks")))]
#[inline]
pub(crate) fn swap_out(state: &mut State, SwappedIn { number }: SwappedIn) {
    if number != 0 {
        carried::leave(number);
    }
    swap(state);
    state.save_lent();
}

/// Enters the carried state of the current context. Returns the number to leave it by, or 0 if there is nothing to leave.
#[cfg(any(feature = "rayon", all(tokio_unstable, feature = "tokio-hooks")))]
#[cold]
fn enter_without_place() -> usize {
    let number = carried::number_without_place();
    if carried::enter(number) { number } else { 0 }
}

/// Swaps `state` with the current context, without entering or leaving carried state. Two swaps restore everything.
#[cfg(any(feature = "rayon", all(tokio_unstable, feature = "tokio-hooks")))]
#[inline]
fn swap(state: &mut State) {
    CURRENT.with(|current| {
        current.pin_readers();
        current.values.exchange(&mut state.values);
        let mark = current.mark.get();
        current.set_mark(state.mark);
        state.mark = mark;
    });
}

/// Calls `f` in an empty context.
pub(crate) fn in_empty_context<R>(f: fn() -> R) -> R {
    let mut state = State::new();
    let entered = Entered::new(&mut state);
    let result = f();
    entered.leave();
    result
}
