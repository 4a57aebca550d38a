//! [`TaskContext`]: the context of work that ends wherever it happens to be.

use std::mem;
use std::ops::{Deref, DerefMut};

use super::Context;

/// The context of a task, a job or a request, which ends on a thread that other work comes to later.
///
/// What it holds is freed in an empty context. So what the values' destructors set is gone with that, and not seen by
/// whatever the thread does next.
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
        let context = mem::take(&mut self.context);
        Context::new().run(|| drop(context));
    }
}
