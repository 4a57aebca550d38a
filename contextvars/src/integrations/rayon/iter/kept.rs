//! Contexts that stay current while an iterator is alive, instead of during a call.
//!
//! An adaptor of rayon that needs indices pulls its items out of the iterators before it, and the closures after the
//! adaptor run between two calls of their `next`. So that those run in the context, too, the context is current from
//! the creation of such an iterator to its drop. The iterators of one thread end in any order (`zip` drops its left
//! side first), but contexts must be left in the reverse order. So an iterator that ends too early is only marked as
//! ended, and its context is left when all later ones have ended as well.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;

use crate::context::Context;
use crate::state::{Entered, SwappedIn};

thread_local! {
    /// The contexts that are entered on this thread, outermost first.
    static LEVELS: RefCell<Vec<Level>> = const { RefCell::new(Vec::new()) };

    /// Whether an adaptor of this crate is requesting a producer; it then enters the context for the closures after it.
    static ASKED_BY_OURS: Cell<bool> = const { Cell::new(false) };
}

/// One entry of [`LEVELS`].
struct Level {
    /// The context to restore at the end, or `None` for a level that has entered its context by a call.
    outer: Option<(Context, SwappedIn)>,
    is_over: bool,
}

/// A context that is current until this and all later ones are dropped.
pub(super) struct Kept {
    at: usize,
    /// The current context belongs to a thread.
    not_send: PhantomData<*const ()>,
}

impl Kept {
    /// Makes `context` current. Returns `None` on a thread that is ending.
    pub(super) fn new(mut context: Context) -> Option<Self> {
        LEVELS.try_with(|_| ()).ok()?;
        let swapped_in = context.swap_in();
        Self::at_a_new_level(Some((context, swapped_in)))
    }

    fn at_a_new_level(outer: Option<(Context, SwappedIn)>) -> Option<Self> {
        let at = LEVELS.try_with(|levels| {
            let mut levels = levels.borrow_mut();
            levels.push(Level { outer, is_over: false });
            levels.len() - 1
        });
        at.ok().map(|at| Self { at, not_send: PhantomData })
    }

    /// Whether this is the innermost level.
    pub(super) fn is_innermost(&self) -> bool {
        LEVELS.try_with(|levels| levels.borrow().len() == self.at + 1).unwrap_or(false)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = LEVELS.try_with(|levels| {
            if let Some(level) = levels.borrow_mut().get_mut(self.at) {
                level.is_over = true;
            }
        });
        let mut ended = Vec::new();
        while let Some(level) = take_last_if_over() {
            if let Some((mut context, swapped_in)) = level.outer {
                context.swap_out(swapped_in);
                ended.push(context);
            }
        }
        // These drops run destructors, which may call this module again.
        drop(ended);
    }
}

/// The innermost level, if it has ended.
fn take_last_if_over() -> Option<Level> {
    let take = |levels: &RefCell<Vec<Level>>| {
        let mut levels = levels.borrow_mut();
        if levels.last()?.is_over { levels.pop() } else { None }
    };
    LEVELS.try_with(take).ok().flatten()
}

/// Calls `f`, which may drop iterators that keep contexts, in `context`.
///
/// Those are marked as ended, and left together with `context`.
pub(super) fn run<R>(context: &mut Context, f: impl FnOnce() -> R) -> R {
    enter(context, |_| f())
}

/// Like [`run`], for an `f` that must be able to enter the outer context again.
pub(super) fn enter<R>(context: &mut Context, f: impl FnOnce(&mut Entered<'_>) -> R) -> R {
    let _level = Kept::at_a_new_level(None);
    let mut entered = context.enter();
    let result = f(&mut entered);
    entered.leave();
    result
}

/// Whether an adaptor of this crate is requesting a producer right now.
pub(super) fn is_asked_by_ours() -> bool {
    ASKED_BY_OURS.try_with(Cell::get).unwrap_or(false)
}

/// Records who requests a producer, until this is dropped or [`over`](Self::over) is called.
pub(super) struct Asking {
    before: bool,
}

impl Asking {
    /// An adaptor of this crate requests a producer.
    pub(super) fn by_ours() -> Self {
        Self { before: ASKED_BY_OURS.try_with(|asked| asked.replace(true)).unwrap_or(false) }
    }

    /// The producer has been received.
    pub(super) fn over(before: bool) {
        let _ = ASKED_BY_OURS.try_with(|asked| asked.set(before));
    }

    /// The recorded state before.
    pub(super) fn before(&self) -> bool {
        self.before
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        Self::over(self.before);
    }
}
