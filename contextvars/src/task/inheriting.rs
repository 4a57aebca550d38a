//! [`inheriting`]: what a facade spawns, in the context that it inherits, unless it was given one of its own.

use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::pin::Pin;

use super::InContext;
use crate::context::{Context, inherit_context};

/// Puts a future that is about to be spawned into what it inherits.
///
/// A future that was given a context, as in `spawn(work.in_context(ctx))`, inherits nothing: it would not see it, and a
/// copy of the spawner's values would live as long as the task does. What other libraries have for current, it sees, and
/// so it is carried.
pub(crate) fn inheriting<F>(future: F) -> InContext<F> {
    InContext::new(future, around_its_own::<F>().unwrap_or_else(inherit_context))
}

/// What a future of this type is put into if it has a context of its own.
pub(crate) fn around_its_own<F>() -> Option<Context> {
    has_its_own::<F>().then(|| Context::new().carrying())
}

/// Whether `F` is an [`InContext`], in a box or not.
///
/// `spawn` takes any future, and an `impl` for one type beside that for all is not possible. The standard library has
/// such a pair of its own: `Iterator::fuse` makes any iterator end at its first `None`, and is documented to do nothing
/// to one that is a `FusedIterator`. `Probe` goes on after its first `None`, so what `fuse` makes of it tells which of
/// the two it is. For another `F`, it has to be `false`. For an `InContext` it would be if `fuse` ever came to do
/// something, and then the values of the spawner would be kept for longer, as long as the task lives. The compiler knows
/// the answer, and no code is left of this.
fn has_its_own<F>() -> bool {
    let mut probe = Probe::<F> { has_paused: false, future: PhantomData }.fuse();
    probe.next().is_none() && probe.next().is_some()
}

/// An iterator that returns `None` once, and then goes on.
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

/// Not true, and the whole point: see [`has_its_own`].
impl<T> FusedIterator for Probe<InContext<T>> {}

/// A box adds no code of its own.
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
        // Whoever wraps it may have code of its own, which inherits.
        assert!(!has_its_own::<Around<InContext<Ready<()>>>>());
        assert!(has_its_own::<Pin<Box<InContext<Ready<()>>>>>());
        assert!(!has_its_own::<Option<InContext<Ready<()>>>>());
        assert!(!has_its_own::<Pin<Box<dyn Future<Output = ()> + Send>>>());
        assert!(!has_its_own::<Ready<()>>());
    }
}
