//! A shared, immutable block of memory that its sole owner may change.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;

use super::count::Count;
use super::pool;

struct Block<T> {
    count: Count,
    value: T,
}

/// Shared ownership of a `T`: an `Arc` without weak references, whose uniqueness check is one load.
pub(super) struct Shared<T> {
    /// Points to a `Block` from `pool::allocate`, alive while its count is above zero; this handle counts for one.
    block: NonNull<Block<T>>,
    owns: PhantomData<Block<T>>,
}

// SAFETY: [S1] a handle gives `&T` to every thread that has one (`T: Sync`), and the last handle, on any thread, drops
// or changes the `T` (`T: Send`).
unsafe impl<T: Send + Sync> Send for Shared<T> {}
// SAFETY: [S1] `&Shared<T>` gives `&T`, and by `clone` a handle, for which the argument of `Send` above holds.
unsafe impl<T: Send + Sync> Sync for Shared<T> {}

impl<T> Shared<T> {
    #[inline]
    pub(super) fn new(make: impl FnOnce() -> T) -> Self {
        Self { block: pool::allocate(|| Block { count: Count::one(), value: make() }), owns: PhantomData }
    }

    #[inline]
    fn block(&self) -> &Block<T> {
        // SAFETY: [S2] this handle counts for one, so the block is alive; it is changed only through `get_mut`, which
        // borrows the handle mutably and is the sole owner.
        unsafe { self.block.as_ref() }
    }

    /// The address of the block: the same for all handles of one block.
    #[inline]
    pub(super) fn address(&self) -> *const () {
        self.block.as_ptr().cast_const().cast()
    }

    /// Returns the value mutably, if this handle is its only owner.
    #[inline]
    pub(super) fn get_mut(&mut self) -> Option<&mut T> {
        if !self.block().count.is_one() {
            return None;
        }
        // SAFETY: [S2] the count is one, and that is this handle: no other exists, none can be created while `self` is
        // mutably borrowed, and the accesses of former owners happened before (by the acquire load of the count).
        let block = unsafe { self.block.as_mut() };
        Some(&mut block.value)
    }

    /// Drops this handle; if it is the last, returns it instead, so that the caller decides where its contents are
    /// freed.
    #[inline]
    pub(super) fn into_last(self) -> Option<Self> {
        let this = ManuallyDrop::new(self);
        // [S2] The handle is no longer counted, so it must not be dropped either.
        if this.block().count.decrement_unless_last() { None } else { Some(ManuallyDrop::into_inner(this)) }
    }

    /// Returns the value mutably, after copying it if it is shared.
    ///
    /// The copy owns everything that the shared value owns, so dropping the old handle destroys nothing.
    #[inline]
    pub(super) fn make_mut(&mut self, copy: impl FnOnce(&T) -> Self) -> &mut T {
        if !self.block().count.is_one() {
            *self = copy(self);
            assert!(self.block().count.is_one(), "a copy is a block of its own");
        }
        // SAFETY: [S2] as in `get_mut`: the count is one.
        let block = unsafe { self.block.as_mut() };
        &mut block.value
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.block().value
    }
}

impl<T> Clone for Shared<T> {
    #[inline]
    fn clone(&self) -> Self {
        self.block().count.increment();
        Self { block: self.block, owns: PhantomData }
    }
}

impl<T> Drop for Shared<T> {
    #[inline]
    fn drop(&mut self) {
        if self.block().count.decrement() {
            // SAFETY: [S2] by the count, this handle was the last.
            unsafe { destroy(self.block) }
        }
    }
}

/// Drops and frees a block. Separate from `drop`, which usually only decrements the count, to keep that small.
///
/// # Safety
/// The block is one of a `Shared<T>`, and has no owner left.
#[inline(never)]
unsafe fn destroy<T>(block: NonNull<Block<T>>) {
    // SAFETY: [S2] it came from `pool::allocate` for this type, and by the caller's contract it has no owner left that
    // could use it.
    unsafe { pool::free(block) }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    /// Is ambiguous, and so does not compile, if the type has the trait.
    macro_rules! assert_has_not {
        ($type:ty: $trait:ident) => {{
            trait Ambiguous<A> {
                fn is_told() {}
            }
            struct HasIt;
            impl<T> Ambiguous<()> for T {}
            impl<T: $trait> Ambiguous<HasIt> for T {}
            <$type as Ambiguous<_>>::is_told();
        }};
    }

    #[test]
    fn a_handle_goes_to_no_thread_that_its_value_could_not_go_to() {
        assert_has_not!(Shared<Rc<()>>: Send);
        assert_has_not!(Shared<Rc<()>>: Sync);
        // It could be sent, but not be looked at from two threads.
        assert_has_not!(Shared<Cell<()>>: Send);
        assert_has_not!(Shared<Cell<()>>: Sync);
    }
}
