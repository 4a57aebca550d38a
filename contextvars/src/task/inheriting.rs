//! A function that will be called elsewhere, once, in the context of here.

use crate::context::inherit_context;
use crate::task::ContextExt;

/// `f`, to be called in a copy of the current context; if it never is, it is dropped there.
pub(crate) fn inheriting<R>(f: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let work = f.in_context(inherit_context());
    move || {
        let (f, mut context) = work.into_work();
        context.run(f)
    }
}
