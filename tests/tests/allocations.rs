//! What the library allocates: nothing where values follow one another, and nothing that outlives its thread.
//!
//! A process of its own: the allocator is the program's.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::pin::pin;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use contextvars::{Context, ContextExt, carry, context_var, copy_context, inherit_context, with_context};
use support::many::many;
use support::{isolated, poll, yielding};

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// Notes the blocks that watched threads ask for, until they are given back.
struct Watching;

/// The blocks that are noted; there is room for more than these tests have at a time.
static BLOCKS: [AtomicPtr<u8>; 1024] = [const { AtomicPtr::new(ptr::null_mut()) }; 1024];

thread_local! {
    static IS_WATCHED: Cell<bool> = const { Cell::new(false) };
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// Replaces the first `old` in `BLOCKS`, if there is one.
fn replace(old: *mut u8, new: *mut u8) {
    let _: bool = BLOCKS.iter().any(|it| it.compare_exchange(old, new, Ordering::SeqCst, Ordering::SeqCst).is_ok());
}

#[expect(unsafe_code, reason = "an allocator is unsafe to write")]
// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        let block = unsafe { System.alloc(layout) };
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        if IS_WATCHED.get() {
            replace(ptr::null_mut(), block);
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        replace(block, ptr::null_mut());
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }
}

#[context_var(default = 0)]
static NUMBER: u64;

#[context_var]
static NAME: Box<str>;

/// How many of the blocks that a thread asks for are there when it has ended.
fn left_by(work: impl FnOnce() + Send + 'static) -> usize {
    // Or the blocks would be those of another test.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let thread = thread::spawn(|| {
        IS_WATCHED.set(true);
        work();
    });
    thread.join().expect("no panic");
    BLOCKS.iter().filter(|block| !block.swap(ptr::null_mut(), Ordering::SeqCst).is_null()).count()
}

/// Uses the base context, contexts that are entered, scopes whose bodies set variables, and the list of what is carried.
fn use_contexts() {
    carry::suppressed(|| ());
    for number in 0..10 {
        NUMBER.set(number);
        NAME.set("base".into());
        copy_context().run(|| NAME.set("entered".into()));
        with_context!(NUMBER = 1, {
            NAME.set("outer".into());
            with_context!(NUMBER = 2, {
                NAME.set("inner".into());
                NUMBER.set(3);
            });
        });
    }
}

#[test]
fn a_thread_frees_all_that_it_has_allocated() {
    assert_eq!(left_by(use_contexts), 0);
}

#[test]
fn what_destructors_of_a_thread_allocate_at_its_end_is_freed_too() {
    struct AtExit;
    impl Drop for AtExit {
        fn drop(&mut self) {
            use_contexts();
        }
    }
    thread_local! {
        static BEFORE_OURS: AtExit = const { AtExit };
        static AFTER_OURS: AtExit = const { AtExit };
    }
    let left = left_by(|| {
        // Thread-locals are destroyed in the reverse order of their first use.
        AFTER_OURS.with(|_| ());
        use_contexts();
        BEFORE_OURS.with(|_| ());
    });
    assert_eq!(left, 0);
}

/// How many blocks `work` asks for, done for the third time in a context with values in several nodes.
fn allocations(work: impl Fn()) -> usize {
    isolated(|| {
        NUMBER.set(0);
        for var in &many()[..40] {
            var.set(1);
        }
        let mut before = 0;
        for _ in 0..3 {
            before = ALLOCATIONS.get();
            work();
        }
        ALLOCATIONS.get() - before
    })
}

/// Whether what is freed is kept for what comes next: not where a checker of memory must see each block end.
const IS_KEPT: bool = cfg!(all(not(any(miri, contextvars_unpooled)), target_pointer_width = "64"));

#[test]
fn to_enter_a_context_or_to_copy_it_allocates_nothing() {
    let other = Context::new().with(&NUMBER, 1);
    assert_eq!(allocations(|| drop((copy_context(), inherit_context(), other.clone()))), 0);
    assert_eq!(allocations(|| assert_eq!(other.clone().run(|| NUMBER.get()), 1)), 0);
    let polls = || {
        let mut future = pin!(yielding().in_context(other.clone()));
        assert!(poll(future.as_mut()).is_pending() && poll(future.as_mut()).is_ready());
    };
    assert_eq!(allocations(polls), 0);
}

#[test]
fn a_value_takes_the_memory_of_the_one_before() {
    if !IS_KEPT {
        return;
    }
    assert_eq!(allocations(|| drop(NUMBER.set(1))), 0);
    assert_eq!(allocations(|| NUMBER.reset(NUMBER.set(1)).expect("it is of this context")), 0);
    assert_eq!(allocations(|| with_context!(NUMBER = 1, { assert_eq!(NUMBER.get(), 1) })), 0);
    // A copy that is changed has a value and nodes of its own, which end with it.
    assert_eq!(allocations(|| drop(copy_context().run(|| NUMBER.set(1)))), 0);
}

#[test]
fn to_visit_the_values_of_a_context_allocates_nothing_however_many_there_are() {
    Context::new().run(|| {
        for var in many() {
            var.set(1);
        }
        let context = copy_context();
        assert_eq!(context.len(), many().len());
        assert_eq!(allocations(|| assert!(context.values().count() >= 300)), 0);
    });
}
