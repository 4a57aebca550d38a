//! [`TaskContext`]: the context of work that ends wherever it happens to be.

use std::mem;
use std::ops::{Deref, DerefMut};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::Context;

/// The context of a task, a job or a request, which ends on a thread that other work comes to later.
///
/// What it holds is freed in an empty context, and what the values' destructors set there in the next one, until
/// nothing is left. So none of it is seen by whatever the thread does next.
#[derive(Default)]
pub(crate) struct TaskContext {
    context: Context,
}

impl TaskContext {
    pub(crate) fn new(context: Context) -> Self {
        Self { context }
    }

    /// Takes the context, to be freed by somebody else.
    pub(crate) fn into_context(mut self) -> Context {
        mem::take(&mut self.context)
    }
}

impl Deref for TaskContext {
    type Target = Context;

    #[inline]
    fn deref(&self) -> &Context {
        &self.context
    }
}

impl DerefMut for TaskContext {
    #[inline]
    fn deref_mut(&mut self) -> &mut Context {
        &mut self.context
    }
}

impl Clone for TaskContext {
    fn clone(&self) -> Self {
        Self::new(self.context.clone())
    }
}

impl Drop for TaskContext {
    #[inline]
    fn drop(&mut self) {
        // Most often it is a copy of another's that still lives.
        if let Some(last) = mem::take(&mut self.context).give_up() {
            free(last, ROUNDS);
        }
    }
}

/// How often destructors may set values with destructors that set values. What is left then is never freed, since that
/// would go on for ever.
const ROUNDS: usize = 64;

/// Frees a context that nobody else has a copy of.
fn free(last: Context, rounds: usize) {
    if rounds == 0 {
        return keep_for_good(last);
    }
    // Even if a destructor panics.
    let mut left = scopeguard::guard(Context::new(), |left| {
        if let Some(last) = left.give_up() {
            free(last, rounds - 1);
        }
    });
    left.run(|| drop(last));
}

/// A context that is never freed, and the one that was leaked before it.
struct Leaked {
    _context: Context,
    before: AtomicPtr<Leaked>,
}

/// Keeps a context for good, where leak checkers find it: nobody lost it.
#[cold]
fn keep_for_good(context: Context) {
    static LAST: AtomicPtr<Leaked> = AtomicPtr::new(ptr::null_mut());
    let leaked: &'static Leaked =
        Box::leak(Box::new(Leaked { _context: context, before: AtomicPtr::new(ptr::null_mut()) }));
    // Relaxed: nobody ever looks.
    let before = LAST.swap(ptr::from_ref(leaked).cast_mut(), Ordering::Relaxed);
    leaked.before.store(before, Ordering::Relaxed);
}
