//! [`TaskContext`]: the context of work that ends wherever it happens to be.

use std::mem;
use std::ops::{Deref, DerefMut};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::Context;

/// The context of a task, a job or a request, which ends on a thread that other work comes to later.
///
/// What it holds is freed in an empty context, and what the values' destructors set there in the next one, until nothing is
/// left. So none of it is seen by whatever the thread does next.
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
    fn drop(&mut self) {
        free(mem::take(&mut self.context), ROUNDS);
    }
}

/// How often destructors may set values with destructors that set values. What is left then is never freed, since that would
/// go on for ever.
const ROUNDS: usize = 64;

fn free(context: Context, rounds: usize) {
    if context.is_bare() {
        return;
    }
    if rounds == 0 {
        return give_up(context);
    }
    // Even if a destructor panics.
    let mut left = scopeguard::guard(Context::new(), |left| free(left, rounds - 1));
    left.run(|| drop(context));
}

/// A context that is never freed, and the one that was given up before it.
struct GivenUp {
    _context: Context,
    before: AtomicPtr<GivenUp>,
}

/// Keeps a context for good, where leak checkers find it: nobody lost it.
#[cold]
fn give_up(context: Context) {
    static LAST: AtomicPtr<GivenUp> = AtomicPtr::new(ptr::null_mut());
    let given_up: &'static GivenUp =
        Box::leak(Box::new(GivenUp { _context: context, before: AtomicPtr::new(ptr::null_mut()) }));
    // Relaxed: nobody ever looks.
    let before = LAST.swap(ptr::from_ref(given_up).cast_mut(), Ordering::Relaxed);
    given_up.before.store(before, Ordering::Relaxed);
}
