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
    /// Points to a `Block` from `pool::allocate`, alive while its count is above zero; this handle is one of the
    /// count.
    block: NonNull<Block<T>>,
    owns: PhantomData<Block<T>>,
}

// SAFETY: [S1] a handle gives `&T` to every thread that has one (`T: Sync`), and the last of them, wherever it is,
// drops or changes the `T` (`T: Send`).
unsafe impl<T: Send + Sync> Send for Shared<T> {}
// SAFETY: [S1] `&Shared<T>` gives `&T`, and by cloning a handle, for which see `Send` above.
unsafe impl<T: Send + Sync> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub(super) fn new(value: T) -> Self {
        Self { block: pool::allocate(Block { count: Count::one(), value }), owns: PhantomData }
    }

    #[inline]
    fn block(&self) -> &Block<T> {
        // SAFETY: [S2] this handle is one of the count, so the block is alive; it is only ever changed through
        // `get_mut`, which has the handle mutably and is the sole owner.
        unsafe { self.block.as_ref() }
    }

    /// Where the block is: the same for all handles of the same block.
    #[inline]
    pub(super) fn address(&self) -> *const () {
        self.block.as_ptr().cast_const().cast()
    }

    /// The value, to change, if this handle is its only owner.
    #[inline]
    pub(super) fn get_mut(&mut self) -> Option<&mut T> {
        if !self.block().count.is_one() {
            return None;
        }
        // SAFETY: [S2] the count is one and this is it: no other handle exists, none can be made while `self` is
        // mutably borrowed, and what former owners did happened before (the count's acquire load).
        let block = unsafe { self.block.as_mut() };
        Some(&mut block.value)
    }

    /// Gives this handle up, unless it is the last: then it is returned.
    #[inline]
    pub(super) fn into_last(self) -> Option<Self> {
        let this = ManuallyDrop::new(self);
        // [S2] What is not counted any more is not dropped either.
        if this.block().count.decrement_unless_last() { None } else { Some(ManuallyDrop::into_inner(this)) }
    }

    /// The value, to change: this handle's own, after a copy if it is shared.
    ///
    /// The copy holds on to whatever the shared value does, so giving that up destroys nothing.
    #[inline]
    pub(super) fn make_mut(&mut self, copy: impl FnOnce(&T) -> T) -> &mut T {
        if !self.block().count.is_one() {
            *self = Self::new(copy(self));
        }
        // SAFETY: [S2] as in `get_mut`: the count was one, or the block was made just now.
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
            // SAFETY: [S2] the count said that this handle was the last.
            unsafe { destroy(self.block) }
        }
    }
}

/// Drops and frees a block. Apart from `drop`, which most often only counts.
///
/// # Safety
/// The block is one of a `Shared<T>`, and has no owner any more.
#[inline(never)]
unsafe fn destroy<T>(block: NonNull<Block<T>>) {
    // SAFETY: [S2] it came from `pool::allocate` for this type, and nobody is left to use it, as the caller says.
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
