//! Memory for blocks: a thread keeps a few freed blocks of each size for its next allocations of that size.
//!
//! A value lives as long as a request or a scope, or shorter, and so does a node of a map. An allocator would spend
//! most of its time finding the memory that the previous one has just freed. A thread keeps at most [`MOST`] blocks of
//! each of the [`SIZES`], 1,792 bytes in all, and frees them when it ends. A block may be freed by another thread than
//! the one that allocated it.

use std::alloc::{self, Layout};
use std::cell::Cell;
use std::mem;
use std::ptr::NonNull;

/// How many free blocks of one size a thread keeps.
///
/// None under memory checkers, which must see each block being freed: Miri, and sanitizers with
/// `--cfg contextvars_unpooled`. None on targets with shorter pointers, since the sizes are for pointers of 64 bits.
const MOST: usize = if cfg!(any(miri, contextvars_unpooled, not(target_pointer_width = "64"))) { 0 } else { 8 };

/// The sizes of blocks that are kept, in bytes: values of one word, values of up to three words, nodes.
const SIZES: [usize; 3] = [32, 48, 144];

/// The alignment of all blocks that are kept.
const ALIGN: usize = align_of::<usize>();

/// The index of the size of a block of a `T`, or `None` if such blocks are not kept.
const fn class_of<T>() -> Option<usize> {
    if align_of::<T>() > ALIGN {
        return None;
    }
    match size_of::<T>() {
        1..=32 => Some(0),
        33..=48 => Some(1),
        129..=144 => Some(2),
        _ => None,
    }
}

/// The layout of a block of a `T`, which depends only on the type: invariant M1.
const fn layout_of<T>() -> Layout {
    match class_of::<T>() {
        Some(class) => layout_of_class(class),
        None => Layout::new::<T>(),
    }
}

const fn layout_of_class(class: usize) -> Layout {
    match Layout::from_size_align(SIZES[class], ALIGN) {
        Ok(layout) => layout,
        Err(_) => panic!("the sizes are small, and the alignment a power of two"),
    }
}

/// The free blocks of one size. Has no destructor, so that it can be used while the thread ends.
struct Shelf {
    /// Invariant M2: the first `len` are blocks of this shelf's layout that are not in use, each on no other shelf.
    blocks: [Cell<NonNull<u8>>; MOST],
    /// How many blocks there are, or `CLOSED`.
    len: Cell<usize>,
}

/// The `len` of a shelf that has no blocks and takes none: no cleaner is installed yet, or it has run. Neither this index
/// nor the one before it is within `blocks`, so `take` and `put` find nothing there and need no check of their own.
const CLOSED: usize = usize::MAX;

type Pool = [Shelf; SIZES.len()];

thread_local! {
    static POOL: Pool = const {
        [const { Shelf { blocks: [const { Cell::new(NonNull::dangling()) }; MOST], len: Cell::new(CLOSED) } };
            SIZES.len()]
    };
    /// Frees the thread's kept blocks when it ends.
    static CLEANER: Cleaner = const { Cleaner };
}

const _: () = assert!(!mem::needs_drop::<Pool>());

struct Cleaner;

impl Drop for Cleaner {
    fn drop(&mut self) {
        POOL.with(|shelves| {
            for (class, shelf) in shelves.iter().enumerate() {
                // Closed first: an allocator that uses variables gives blocks back while these are freed.
                let len = shelf.len.replace(CLOSED);
                for block in shelf.blocks.iter().take(if len == CLOSED { 0 } else { len }) {
                    deallocate(block.get(), layout_of_class(class));
                }
            }
        });
    }
}

impl Shelf {
    #[inline]
    fn take(&self) -> Option<NonNull<u8>> {
        // For an empty shelf this is `usize::MAX`, where there is no block.
        let last = self.len.get().wrapping_sub(1);
        let block = self.blocks.get(last)?.get();
        self.len.set(last);
        Some(block)
    }

    /// Returns `false` if the shelf is full or closed.
    #[inline]
    fn put(&self, block: NonNull<u8>) -> bool {
        let len = self.len.get();
        let Some(place) = self.blocks.get(len) else { return false };
        place.set(block);
        self.len.set(len + 1);
        true
    }
}

/// Puts what `make` returns into a block of memory, which [`free`] frees. `make` is called with the block at hand, so
/// that the compiler creates the value there, and must not panic, or the block is lost.
#[inline]
pub(super) fn allocate<T>(make: impl FnOnce() -> T) -> NonNull<T> {
    let kept = const { class_of::<T>() }.and_then(|class| POOL.with(|shelves| shelves[class].take()));
    let block = match kept {
        Some(block) => block.cast(),
        None => allocate_anew(const { layout_of::<T>() }).cast(),
    };
    // SAFETY: [M1, M2] the block has at least the size and alignment of a `T`, and is not in use.
    unsafe { block.write(make()) };
    block
}

#[inline(never)]
fn allocate_anew(layout: Layout) -> NonNull<u8> {
    assert!(layout.size() > 0, "a block has a count");
    // SAFETY: the size is above zero, as `alloc` requires.
    let block = unsafe { alloc::alloc(layout) };
    NonNull::new(block).unwrap_or_else(|| alloc::handle_alloc_error(layout))
}

/// Drops the value in a block, and frees the block even if that panics.
///
/// # Safety
/// The block comes from [`allocate`] for the same `T`, and is not used after this.
#[inline]
pub(super) unsafe fn free<T>(block: NonNull<T>) {
    let emptied = Emptied(block);
    // SAFETY: [M1] by the caller's contract the block contains a `T` that is not used after this; so it is dropped
    // once.
    unsafe { block.drop_in_place() };
    drop(emptied);
}

/// A block that is given back when this is dropped.
struct Emptied<T>(NonNull<T>);

impl<T> Drop for Emptied<T> {
    #[inline]
    fn drop(&mut self) {
        give_back(self.0.cast(), const { class_of::<T>() }, const { layout_of::<T>() });
    }
}

#[inline]
fn give_back(block: NonNull<u8>, class: Option<usize>, layout: Layout) {
    let is_kept = class.is_some_and(|class| POOL.with(|shelves| shelves[class].put(block)));
    if !is_kept {
        give_back_to_system(block, layout);
    }
}

#[inline(never)]
fn give_back_to_system(block: NonNull<u8>, layout: Layout) {
    POOL.with(|shelves| {
        // Freeing the first block installs the thread's cleaner, unless the thread is ending.
        let closed = || shelves.iter().filter(|shelf| shelf.len.get() == CLOSED);
        if closed().count() > 0 && CLEANER.try_with(|_| ()).is_ok() {
            // Asked again, since an allocator that frees blocks comes here while the cleaner is installed.
            closed().for_each(|shelf| shelf.len.set(0));
        }
    });
    deallocate(block, layout);
}

fn deallocate(block: NonNull<u8>, layout: Layout) {
    // SAFETY: [M1] the block was allocated with this layout, which depends only on its type. [M2] It is not in use: it
    // is on no shelf, and its owner has given it up.
    unsafe { alloc::dealloc(block.as_ptr(), layout) };
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    /// So many free blocks this thread keeps, by size.
    fn kept() -> [usize; SIZES.len()] {
        POOL.with(|shelves| {
            [0, 1, 2].map(|class| match shelves[class].len.get() {
                CLOSED => 0,
                len => len,
            })
        })
    }

    fn free_all<T>(blocks: Vec<NonNull<T>>) {
        // SAFETY: they come from `allocate`, and are not used again.
        blocks.into_iter().for_each(|block| unsafe { free(block) });
    }

    #[test]
    fn a_thread_keeps_no_more_blocks_than_it_says() {
        thread::spawn(|| {
            free_all((0..100_u64).map(|n| allocate(move || [n; 30])).collect());
            free_all((0..100_u128).map(|n| allocate(move || n)).collect());
            assert_eq!(kept(), [0; 3], "they are too large, or too strictly aligned");
            free_all((0..100_u64).map(|n| allocate(move || n)).collect());
            free_all((0..100_u64).map(|n| allocate(move || [n; 5])).collect());
            free_all((0..100_u64).map(|n| allocate(move || [n; 18])).collect());
            assert_eq!(kept(), [MOST; 3]);
            assert_eq!(SIZES.iter().sum::<usize>() * 8, 1_792, "the documentation says so");
        })
        .join()
        .expect("no panic");
    }

    #[test]
    fn a_block_that_is_kept_is_used_again_and_holds_what_is_put_there() {
        thread::spawn(|| {
            free_all(vec![allocate(|| 0_u64), allocate(|| 0_u64)]);
            for round in 0..100_u64 {
                let blocks: Vec<_> = (0..20).map(|n| allocate(move || vec![round, n])).collect();
                for (block, n) in blocks.iter().zip(0..) {
                    // SAFETY: it comes from `allocate`, and has not been freed yet.
                    assert_eq!(unsafe { block.as_ref() }, &vec![round, n]);
                }
                free_all(blocks);
            }
        })
        .join()
        .expect("no panic");
    }

    #[test]
    fn a_panicking_destructor_frees_its_block() {
        struct Panics {
            _alive: Arc<()>,
        }
        impl Drop for Panics {
            fn drop(&mut self) {
                panic::resume_unwind(Box::new("a destructor's panic"));
            }
        }
        use std::panic;
        let alive = Arc::new(());
        let block = allocate(|| Panics { _alive: Arc::clone(&alive) });
        // SAFETY: it is not used again.
        let panicked = panic::catch_unwind(panic::AssertUnwindSafe(|| unsafe { free(block) }));
        assert!(panicked.is_err());
        assert_eq!(Arc::strong_count(&alive), 1);
    }

    #[test]
    fn blocks_may_be_freed_on_another_thread_and_while_it_goes_away() {
        struct AtExit(Cell<Option<NonNull<u64>>>);
        impl Drop for AtExit {
            fn drop(&mut self) {
                free_all(self.0.take().into_iter().collect());
                free_all(vec![allocate(|| 1_u64)]);
                assert_eq!(kept(), [0; 3]);
            }
        }
        thread_local! {
            static AT_EXIT: AtExit = const { AtExit(Cell::new(None)) };
        }
        struct Sent(NonNull<u64>);
        // SAFETY: a number may be used and freed by any thread, one at a time.
        unsafe impl Send for Sent {}

        let sent = Sent(allocate(|| 7_u64));
        thread::spawn(move || {
            let sent = sent;
            // First used, and so destroyed after the pool's cleaner.
            AT_EXIT.with(|it| it.0.set(Some(sent.0)));
            free_all(vec![allocate(|| 2_u64)]);
        })
        .join()
        .expect("no panic");
    }
}
