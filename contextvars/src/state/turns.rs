//! Destroys values that have lost their last owner without overflowing the stack, however deeply they nest.
//!
//! A value may hold a context that holds a value, and so on, a million deep. Up to [`DEPTH`] levels are destroyed at
//! once, like any nested drop; deeper values wait in a queue until the level above has been destroyed.

use std::cell::Cell;
use std::mem::ManuallyDrop;

use super::value::Ownerless;

/// How many values are destroyed within one another before the next waits for its turn.
const DEPTH: usize = 64;

thread_local! {
    /// How many values this thread is destroying right now, each within the one before.
    static DESTROYING: Cell<usize> = const { Cell::new(0) };
    /// The values that wait; empty unless `DESTROYING` is `DEPTH`. Without a destructor, so that it can be used while
    /// the thread ends.
    static WAITING: Cell<ManuallyDrop<Vec<Ownerless>>> = const { Cell::new(ManuallyDrop::new(Vec::new())) };
}

/// Destroys the value: now, or if it is too deep, before the destruction of the outermost value ends.
///
/// # Panics
/// If the value's own `Drop` does.
pub(super) fn destroy_in_turn(ownerless: Ownerless) {
    if DESTROYING.get() >= DEPTH {
        wait(ownerless);
        return;
    }
    let level = Level::begin();
    ownerless.destroy();
    drop(level);
}

/// Puts the value on the list of those that wait.
fn wait(ownerless: Ownerless) {
    let mut list = WAITING.replace(ManuallyDrop::new(Vec::new()));
    list.push(ownerless);
    // Values that an allocator dropped while the list grew wait, too.
    let meanwhile = WAITING.replace(list);
    ManuallyDrop::into_inner(meanwhile).into_iter().for_each(wait);
}

/// The destruction of one value; when it ends, also by a panic, the waiting ones are destroyed.
///
/// Its `Drop` decrements the counter instead of restoring the old value, because destructors on separate stacks may end
/// in any order.
struct Level;

impl Level {
    #[inline]
    fn begin() -> Self {
        DESTROYING.set(DESTROYING.get() + 1);
        Self
    }
}

impl Drop for Level {
    #[inline]
    fn drop(&mut self) {
        match DESTROYING.get() {
            DEPTH => end_deepest(),
            depth => DESTROYING.set(depth - 1),
        }
    }
}

/// Ends a level below which values may wait.
#[cold]
fn end_deepest() {
    // Also if a destructor of a waiting value panics.
    let ended = scopeguard::guard((), |()| DESTROYING.set(DESTROYING.get() - 1));
    let list = destroy_waiting();
    drop(ended);
    // Freed only now: a value that an allocator drops while the list's memory is freed would otherwise wait and never
    // be destroyed.
    drop(list);
}

/// Destroys the waiting values, including those added meanwhile, and returns the list, which is empty then.
fn destroy_waiting() -> Vec<Ownerless> {
    loop {
        let mut list = WAITING.with(|waiting| waiting.replace(ManuallyDrop::new(Vec::new())));
        if list.is_empty() {
            return ManuallyDrop::into_inner(list);
        }
        // If a destructor panics, the rest of the list continues to wait.
        let next = list.pop();
        WAITING.with(|waiting| waiting.set(list));
        if let Some(ownerless) = next {
            let rest = scopeguard::guard((), |()| drop(destroy_waiting()));
            ownerless.destroy();
            scopeguard::ScopeGuard::into_inner(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{self, AssertUnwindSafe};
    use std::sync::Arc;

    use contextvars::{Context, context_var};

    use super::*;

    thread_local! {
        static NOW: Cell<usize> = const { Cell::new(0) };
        static MOST: Cell<usize> = const { Cell::new(0) };
    }

    /// Far more levels than are destroyed within one another; fewer where each step is slow.
    const MANY: usize = if cfg!(miri) { 3 * DEPTH } else { 10_000 };

    /// Counts how many destructors of its kind run within one another.
    struct Nest {
        inner: Context,
        panics: bool,
        _alive: Arc<()>,
    }

    #[context_var]
    static NEST: Nest;

    impl Drop for Nest {
        fn drop(&mut self) {
            NOW.set(NOW.get() + 1);
            MOST.set(MOST.get().max(NOW.get()));
            drop(std::mem::take(&mut self.inner));
            NOW.set(NOW.get() - 1);
            if self.panics {
                // Unlike `panic!`, this prints nothing.
                panic::resume_unwind(Box::new("a destructor's panic"));
            }
        }
    }

    /// So many contexts within one another; the one at `panicking`, counted from outside, panics on being dropped.
    fn nest(levels: usize, panicking: Option<usize>, alive: &Arc<()>) -> Context {
        (0..levels).rev().fold(Context::new(), |inner, level| {
            Context::new().with(&NEST, Nest { inner, panics: panicking == Some(level), _alive: Arc::clone(alive) })
        })
    }

    fn waiting() -> usize {
        WAITING.with(|waiting| {
            let list = waiting.replace(ManuallyDrop::new(Vec::new()));
            let length = list.len();
            waiting.set(list);
            length
        })
    }

    fn is_at_rest() -> bool {
        (DESTROYING.get(), waiting()) == (0, 0)
    }

    #[test]
    fn no_more_than_so_many_destructors_run_within_one_another() {
        let alive = Arc::new(());
        for (levels, most) in [(1, 1), (DEPTH - 1, DEPTH - 1), (DEPTH, DEPTH), (DEPTH + 1, DEPTH), (MANY, DEPTH)] {
            let nest = nest(levels, None, &alive);
            MOST.set(0);
            drop(nest);
            assert_eq!((MOST.get(), Arc::strong_count(&alive)), (most, 1), "{levels} levels");
            assert!(is_at_rest());
        }
    }

    #[test]
    fn a_panicking_destructor_takes_nobody_s_turn_away() {
        let alive = Arc::new(());
        for panicking in [0, 1, DEPTH - 2, DEPTH - 1, DEPTH, DEPTH + 1, 2 * DEPTH, MANY - 1] {
            let nest = nest(MANY, Some(panicking), &alive);
            NOW.set(0);
            assert!(panic::catch_unwind(AssertUnwindSafe(|| drop(nest))).is_err());
            assert_eq!(Arc::strong_count(&alive), 1, "all are dropped when {panicking} panics");
            assert!(is_at_rest());
        }
    }

    #[test]
    fn destructors_that_end_in_another_order_than_they_began_in_keep_nobody_from_having_a_turn() {
        for _ in 0..2 * DEPTH {
            let (first, second) = (Level::begin(), Level::begin());
            drop(first);
            drop(second);
        }
        assert!(is_at_rest());
        let levels: Vec<_> = (0..DEPTH).map(|_| Level::begin()).collect();
        let alive = Arc::new(());
        drop(nest(1, None, &alive));
        assert_eq!(Arc::strong_count(&alive), 2, "it waits for its turn");
        // The first to end is the one that began first.
        for level in levels {
            drop(level);
            assert_eq!(Arc::strong_count(&alive), 1);
        }
        assert!(is_at_rest());
    }

    /// Makes and drops contexts of its own when it is dropped.
    struct Busy(Arc<()>);

    #[context_var]
    static BUSY: [Busy; 3];

    impl Drop for Busy {
        fn drop(&mut self) {
            drop(nest(DEPTH * 2, None, &self.0));
        }
    }

    #[test]
    fn values_that_a_waiting_one_makes_have_their_turn_too() {
        let alive = Arc::new(());
        let busy = [(); 3].map(|()| Busy(Arc::clone(&alive)));
        let inner = nest(10, None, &alive).with(&BUSY, busy);
        let outer = (0..MANY).fold(inner, |inner, _| {
            Context::new().with(&NEST, Nest { inner, panics: false, _alive: Arc::clone(&alive) })
        });
        drop(outer);
        assert_eq!(Arc::strong_count(&alive), 1);
        assert!(is_at_rest());
    }
}
