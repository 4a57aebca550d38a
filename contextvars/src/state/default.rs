//! A declaration's default: an expression that is evaluated once per program, on first need.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::current;

/// A variable's default value, if it was declared with one.
pub(super) struct LazyDefault<T> {
    make: Option<fn() -> T>,
    value: OnceLock<T>,
    /// The mark of the thread that is evaluating the expression, or 0.
    evaluating: AtomicUsize,
}

/// The result of [`LazyDefault::get`].
pub(super) enum Found<'a, T> {
    Value(&'a T),
    /// The expression is being evaluated by a caller on the same thread: it reads its own variable, or it has panicked
    /// and the panic hook reads the variable.
    BeingMade,
    /// The declaration has no default.
    Nothing,
}

impl<T> LazyDefault<T> {
    pub(super) const fn new(make: Option<fn() -> T>) -> Self {
        Self { make, value: OnceLock::new(), evaluating: AtomicUsize::new(0) }
    }

    /// Returns the default, evaluated by `evaluate` on first use.
    #[inline]
    pub(super) fn get(&self, evaluate: fn(fn() -> T) -> T) -> Found<'_, T> {
        match (self.value.get(), self.make) {
            (Some(value), _) => Found::Value(value),
            (None, Some(make)) => self.first(|| evaluate(make)),
            (None, None) => Found::Nothing,
        }
    }

    #[cold]
    fn first(&self, evaluate: impl FnOnce() -> T) -> Found<'_, T> {
        let this_thread = current::thread_mark();
        // Relaxed: the value is compared only with this thread's own mark, and a thread sees its own writes.
        if self.evaluating.load(Ordering::Relaxed) == this_thread {
            return Found::BeingMade;
        }
        Found::Value(self.value.get_or_init(|| {
            self.evaluating.store(this_thread, Ordering::Relaxed);
            let _done = scopeguard::guard((), |()| self.evaluating.store(0, Ordering::Relaxed));
            evaluate()
        }))
    }
}
