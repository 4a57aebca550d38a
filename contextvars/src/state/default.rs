//! A declaration's default: an expression that is evaluated once per program, when first it is needed.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::current;
use crate::variable::Variable;

/// A variable's default value, if it was declared with one.
pub(super) struct LazyDefault<T> {
    make: Option<fn() -> T>,
    value: OnceLock<T>,
    /// The mark of the thread that is evaluating the expression, or 0.
    evaluating: AtomicUsize,
}

impl<T> LazyDefault<T> {
    pub(super) const fn new(make: Option<fn() -> T>) -> Self {
        Self { make, value: OnceLock::new(), evaluating: AtomicUsize::new(0) }
    }

    /// The default, made by `evaluate` if this is its first use.
    #[inline]
    pub(super) fn get(&self, variable: &Variable, evaluate: fn(fn() -> T) -> T) -> Option<&T> {
        let make = self.make?;
        match self.value.get() {
            Some(value) => Some(value),
            None => Some(self.first(variable, || evaluate(make))),
        }
    }

    #[cold]
    fn first(&self, variable: &Variable, evaluate: impl FnOnce() -> T) -> &T {
        let this_thread = current::thread_mark();
        // Relaxed: only this thread's own mark matters, and a thread sees its own writes.
        assert!(
            self.evaluating.load(Ordering::Relaxed) != this_thread,
            "the default of {} reads the variable itself: write a default that does not depend on `{}`",
            variable.described(),
            variable.name(),
        );
        self.value.get_or_init(|| {
            self.evaluating.store(this_thread, Ordering::Relaxed);
            let _done = scopeguard::guard((), |()| self.evaluating.store(0, Ordering::Relaxed));
            evaluate()
        })
    }
}
