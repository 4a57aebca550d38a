//! [`inheriting`]: puts a future to be spawned into the context that it inherits, unless it was given one.

use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::pin::Pin;

use super::InContext;
use crate::context::{Context, inherit_context};

/// Puts a future that is about to be spawned into the context that it inherits.
///
/// A future that was given a context, as in `spawn(work.in_context(ctx))`, inherits no values: it would not see them,
/// and a copy of the spawner's values would live as long as the task. It does see the current state of other libraries,
/// so that is carried.
pub(crate) fn inheriting<F>(future: F) -> InContext<F> {
    InContext::new(future, around_its_own::<F>().unwrap_or_else(inherit_context))
}

/// The outer context of a future that has a context of its own.
pub(crate) fn around_its_own<F>() -> Option<Context> {
    has_its_own::<F>().then(|| Context::new().carrying())
}

/// Whether `F` is an [`InContext`], in a box or not.
///
/// `spawn` takes any future, and stable Rust cannot specialise for one type. The standard library has a specialisation
/// of its own: `Iterator::fuse` makes any iterator end at its first `None`, and is documented to do nothing to a
/// `FusedIterator`. `Probe` continues after its first `None`, so the result of `fuse` shows which of the two it is. For
/// any other `F` the result must be `false`. For an `InContext` it would become `false` if `fuse` ever changed, and the
/// only effect would be that a task keeps the values of its spawner alive. The compiler evaluates all of this; no code
/// remains.
fn has_its_own<F>() -> bool {
    let mut probe = Probe::<F> { has_paused: false, future: PhantomData }.fuse();
    probe.next().is_none() && probe.next().is_some()
}

/// An iterator that returns `None` once, and then continues.
struct Probe<F> {
    has_paused: bool,
    future: PhantomData<F>,
}

impl<F> Iterator for Probe<F> {
    type Item = ();

    fn next(&mut self) -> Option<()> {
        std::mem::replace(&mut self.has_paused, true).then_some(())
    }
}

/// False on purpose: see [`has_its_own`].
impl<T> FusedIterator for Probe<InContext<T>> {}

/// A box runs no code of its own.
impl<T> FusedIterator for Probe<Pin<Box<InContext<T>>>> {}

#[cfg(test)]
mod tests {
    use std::future::{Future, Pending, Ready};
    use std::pin::Pin;

    use super::has_its_own;
    use crate::task::InContext;

    struct Around<F>(F);

    #[test]
    fn a_future_in_a_context_is_told_from_every_other() {
        assert!(has_its_own::<InContext<Ready<()>>>());
        assert!(has_its_own::<InContext<InContext<Pending<&str>>>>());
        assert!(has_its_own::<InContext<Pin<Box<dyn Future<Output = ()> + Send>>>>());
        // A type that wraps an `InContext` may run code of its own, which must inherit.
        assert!(!has_its_own::<Around<InContext<Ready<()>>>>());
        assert!(has_its_own::<Pin<Box<InContext<Ready<()>>>>>());
        assert!(!has_its_own::<Option<InContext<Ready<()>>>>());
        assert!(!has_its_own::<Pin<Box<dyn Future<Output = ()> + Send>>>());
        assert!(!has_its_own::<Ready<()>>());
    }
}
