//! Destroys values that lost their last owner, however deep they nest, without overflowing the stack.
//!
//! A value may hold a context that holds a value, and so on, a million deep. Up to [`DEPTH`] levels are destroyed at
//! once, like any nested drop; what lies deeper waits in a queue until the level above it is done.

use std::cell::Cell;
use std::mem::ManuallyDrop;

use super::value::Ownerless;

/// How many values are destroyed within one another before the next waits for its turn.
const DEPTH: usize = 64;

thread_local! {
    /// How many values this thread is destroying right now, each within the one before.
    static DESTROYING: Cell<usize> = const { Cell::new(0) };
    /// Those whose turn has not come; empty unless `DESTROYING` is `DEPTH`. Without a destructor, so that it can be
    /// used while the thread goes away.
    static WAITING: Cell<ManuallyDrop<Vec<Ownerless>>> = const { Cell::new(ManuallyDrop::new(Vec::new())) };
}

/// Destroys the value, now or, if it lies too deep, before the outermost of the values now being destroyed is done.
///
/// # Panics
/// If the value's own `Drop` does.
pub(super) fn release(ownerless: Ownerless) {
    let depth = DESTROYING.get();
    if depth >= DEPTH {
        WAITING.with(|waiting| {
            let mut list = waiting.replace(ManuallyDrop::new(Vec::new()));
            list.push(ownerless);
            waiting.set(list);
        });
        return;
    }
    let level = Level { depth };
    DESTROYING.set(depth + 1);
    ownerless.destroy();
    drop(level);
}

/// One value's destruction; ending it, by panic too, lets those that wait have their turn.
struct Level {
    depth: usize,
}

impl Drop for Level {
    fn drop(&mut self) {
        if self.depth + 1 == DEPTH {
            destroy_waiting();
        }
        DESTROYING.set(self.depth);
    }
}

/// Destroys what waits, and what comes to wait meanwhile.
fn destroy_waiting() {
    loop {
        let mut list = WAITING.with(|waiting| waiting.replace(ManuallyDrop::new(Vec::new())));
        if list.is_empty() {
            drop(ManuallyDrop::into_inner(list));
            return;
        }
        // What is left of the list waits on if a destructor panics.
        let next = list.pop();
        WAITING.with(|waiting| waiting.set(list));
        if let Some(ownerless) = next {
            let rest = scopeguard::guard((), |()| destroy_waiting());
            ownerless.destroy();
            scopeguard::ScopeGuard::into_inner(rest);
        }
    }
}
