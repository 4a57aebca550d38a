//! A declaration's default: an expression that is evaluated once per program, on first need.

use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number that no other live thread has; never 0.
fn thread_mark() -> usize {
    thread_local! {
        static HERE: u8 = const { 0 };
    }
    HERE.with(|here| ptr::from_ref(here).addr())
}

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
        let this_thread = thread_mark();
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn threads_that_live_at_the_same_time_have_marks_of_their_own() {
        let (tell, told) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let other = thread::spawn(move || {
            tell.send(thread_mark()).unwrap();
            ended.recv().unwrap_err();
        });
        let marks = (thread_mark(), told.recv().unwrap());
        assert!(marks.0 != marks.1 && marks.0 != 0 && marks.1 != 0);
        assert_eq!(marks.0, thread_mark());
        drop(end);
        other.join().unwrap();
    }
}
