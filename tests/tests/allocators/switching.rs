//! An allocator that lets a coroutine run at one of its calls, as one does that waits for a lock of coroutines.

// Coroutines are assembly, for these processors, and not for Miri.
#![cfg(all(not(miri), any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64", target_arch = "arm")))]

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use contextvars::{Context, carry, context_var, copy_context, inherit_context, with_context};
use corosensei::{Coroutine, CoroutineResult, Yielder};

use super::{MEDDLES, OTHER, TENANT};

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<String>().map_or("no text", String::as_str)
}

/// A value that tells when it is dropped.
struct Watched(Arc<AtomicBool>);

impl Watched {
    fn new() -> Self {
        Self(Arc::default())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[context_var]
static WATCHED: Watched;

/// Reads, lets others go on, and returns whether what it reads has been dropped meanwhile.
type Reader = Coroutine<(), (), bool>;

thread_local! {
    /// At which call of the allocator the reader begins; 0 if it has begun.
    static BEGINS_AT: Cell<usize> = const { Cell::new(0) };
    static READER: RefCell<Option<Reader>> = const { RefCell::new(None) };
    static RESUMED_AT: Cell<[usize; 2]> = const { Cell::new([0; 2]) };
}

fn begin_to_read() {
    let left = BEGINS_AT.get();
    BEGINS_AT.set(left.saturating_sub(1));
    if left == 1 {
        READER.with_borrow_mut(|reader| reader.as_mut().map(|reader| reader.resume(())));
    }
}

fn read(yielder: &Yielder<(), ()>) -> bool {
    let is_dropped = WATCHED.try_with(|watched| {
        let is_dropped = Arc::clone(&watched.0);
        yielder.suspend(());
        is_dropped.load(Ordering::Relaxed)
    });
    is_dropped.unwrap_or(false)
}

fn set_and_read(yielder: &Yielder<(), ()>) -> bool {
    drop(WATCHED.set(Watched::new()));
    read(yielder)
}

/// Does the work once for each call of the allocator in it, at which the reader begins.
fn at_every_call(reads: fn(&Yielder<(), ()>) -> bool, work: fn()) {
    for call in 1.. {
        // They use up the thread's free blocks, so that the allocator is called for new ones.
        let with_values = |n| Context::new().with(&TENANT, n).with(&OTHER, n).with(&WATCHED, Watched::new());
        let _in_use: Vec<Context> = (0..20).map(with_values).collect();
        let reader = Reader::new(move |yielder, ()| reads(yielder));
        READER.set(Some(reader));
        BEGINS_AT.set(call);
        MEDDLES.set(Some(begin_to_read));
        work();
        MEDDLES.set(None);
        if BEGINS_AT.get() > 0 {
            assert!(call > 1, "the allocator was not called");
            break;
        }
        let mut reader = READER.take().expect("nobody else takes it");
        if !reader.done() {
            assert!(matches!(reader.resume(()), CoroutineResult::Return(false)), "dropped: call {call}");
        }
    }
    drop(READER.take());
}

/// Sets, with nodes that are missing, shared and lent, in scopes of every kind.
fn work() {
    let set = || drop(WATCHED.set(Watched::new()));
    set();
    let copy = copy_context();
    set();
    with_context!(TENANT = 1, {
        set();
        with_context!(WATCHED = Watched::new(), OTHER = 1, { set() });
    });
    let _copy = with_context!(WATCHED = Watched::new(), { copy_context() });
    drop(copy);
    with_context!(WATCHED = Watched::new(), OTHER = 2, { OTHER.get() });
    set();
}

/// Resumes the coroutine at two calls of the allocator.
fn resume_twice() {
    let [first, second] = RESUMED_AT.get();
    RESUMED_AT.set([first.saturating_sub(1), second.saturating_sub(1)]);
    if first == 1 || second == 1 {
        READER.with_borrow_mut(|reader| reader.as_mut().map(|reader| reader.resume(())));
    }
}

/// A value with memory of its own, which counts how often it is dropped.
struct Dropped {
    _text: String,
    times: Arc<AtomicUsize>,
}

impl Drop for Dropped {
    fn drop(&mut self) {
        self.times.fetch_add(1, Ordering::Relaxed);
    }
}

#[context_var]
static DROPPED: Dropped;

#[test]
fn values_of_a_context_that_a_coroutine_enters_in_an_allocator_are_freed_once() {
    /// Returns how often the coroutine was resumed in the allocator.
    fn enter_and_leave(enters: usize, leaves: usize, times: Arc<AtomicUsize>) -> usize {
        drop(OTHER.set(1));
        // The thread keeps a copy of its base context, which it cannot use as a worker, and frees with the next scope.
        with_context!(OTHER = 2, { OTHER.get() });
        contextvars::thread::mark_as_worker();
        let mut own = Context::new().with(&DROPPED, Dropped { _text: "of the coroutine".to_owned(), times });
        READER.set(Some(Reader::new(move |yielder, ()| {
            own.run(|| yielder.suspend(()));
            false
        })));
        // They leave as many free blocks as a thread keeps, so that the allocator is called for each that is freed.
        drop((0..20).map(|n| Context::new().with(&OTHER, n)).collect::<Vec<_>>());
        RESUMED_AT.set([enters, leaves]);
        MEDDLES.set(Some(resume_twice));
        // Where the coroutine's context is current at the end, the scope says so.
        let scope = panic::catch_unwind(|| with_context!(OTHER = 3, { OTHER.is_set() }));
        MEDDLES.set(None);
        if let Err(panic) = scope {
            assert!(message(&*panic).contains("with_context!"), "{}", message(&*panic));
        }
        let mut reader = READER.take().expect("nobody else takes it");
        while !reader.done() {
            reader.resume(());
        }
        RESUMED_AT.take().into_iter().filter(|&left| left == 0).count()
    }
    let mut resumed = 0;
    for enters in 1..6 {
        for leaves in enters + 1..12 {
            let times = Arc::new(AtomicUsize::new(0));
            let counter = Arc::clone(&times);
            let entered = thread::spawn(move || enter_and_leave(enters, leaves, counter)).join().expect("no panic");
            assert_eq!(times.load(Ordering::Relaxed), 1, "calls {enters}, {leaves}");
            resumed = resumed.max(entered);
        }
    }
    // Where free blocks are kept, a scope may call the allocator only once.
    assert!(resumed >= if cfg!(contextvars_unpooled) { 2 } else { 1 });
}

thread_local! {
    /// How the coroutine that runs here is suspended, if the allocator is to do that.
    static SUSPENDED_BY: Cell<*const Yielder<(), ()>> = const { Cell::new(ptr::null()) };
}

#[expect(unsafe_code, reason = "an allocator has no argument by which a yielder could reach it")]
fn suspend() {
    let left = BEGINS_AT.get();
    BEGINS_AT.set(left.saturating_sub(1));
    // SAFETY: null, or set by the coroutine that runs here, whose yielder lives until that has come to its end.
    if let Some(yielder) = unsafe { SUSPENDED_BY.get().as_ref() }.filter(|_| left == 1) {
        SUSPENDED_BY.set(ptr::null());
        yielder.suspend(());
    }
}

#[test]
fn a_set_that_an_allocator_suspends_until_its_scope_has_ended_is_seen_in_later_scopes() {
    /// Returns whether the allocator was called that often.
    fn set_and_suspend(call: usize) -> bool {
        drop(OTHER.set(1));
        let mut setting = Coroutine::<(), (), ()>::new(|yielder, ()| {
            SUSPENDED_BY.set(yielder);
            drop(OTHER.set(5));
            SUSPENDED_BY.set(ptr::null());
        });
        BEGINS_AT.set(call);
        // They use up the thread's free blocks, so that the allocator is called for new ones.
        let _in_use: Vec<Context> = (0..20).map(|n| Context::new().with(&TENANT, n).with(&OTHER, n)).collect();
        let scope = panic::catch_unwind(AssertUnwindSafe(|| {
            with_context!(TENANT = 1, {
                MEDDLES.set(Some(suspend));
                setting.resume(());
                MEDDLES.set(None);
            });
        }));
        // Another scope leaves a copy of the thread's own context for the next one.
        with_context!(TENANT = 2, { TENANT.get() });
        if !setting.done() {
            setting.resume(());
        }
        if let Err(panic) = scope {
            // In the middle of the change, the scope has found another context than its own, and said so.
            assert!(message(&*panic).contains("with_context!"), "{}", message(&*panic));
            return true;
        }
        let seen = (OTHER.get(), with_context!(TENANT = 3, { OTHER.get() }));
        assert!(seen.0 == seen.1, "{seen:?}: the thread's own context and a copy of it are equal");
        BEGINS_AT.get() == 0
    }
    let is_reached = |&call: &usize| thread::spawn(move || set_and_suspend(call)).join().expect("the same in both");
    assert!((1..50).take_while(is_reached).count() >= 2);
}

thread_local! {
    static LEAVES: RefCell<Option<Coroutine<(), (), ()>>> = const { RefCell::new(None) };
    /// How often more something was entered than left; `None` on threads where nothing is captured.
    static ENTERED: Cell<Option<isize>> = const { Cell::new(None) };
}

struct Balanced;

impl carry::Carried for Balanced {
    type Undo = ();

    fn capture() -> Option<Self> {
        ENTERED.get().map(|_| Self)
    }

    fn enter(&self) -> Option<()> {
        ENTERED.set(ENTERED.get().map(|entered| entered + 1));
        Some(())
    }

    fn leave(&self, (): ()) {
        ENTERED.set(ENTERED.get().map(|entered| entered - 1));
    }
}

fn leave() {
    let left = BEGINS_AT.get();
    BEGINS_AT.set(left.saturating_sub(1));
    if left == 1 {
        LEAVES.with_borrow_mut(|leaves| leaves.as_mut().map(|leaves| leaves.resume(())));
    }
}

#[test]
fn a_coroutine_leaves_what_it_carries_though_it_does_so_in_an_allocator() {
    fn leave_while_others_enter(call: usize) -> bool {
        ENTERED.set(Some(0));
        let mut place = Box::new(inherit_context());
        let address = ptr::from_ref(&*place).addr();
        let mut leaves = Coroutine::<(), (), ()>::new(move |yielder, ()| place.run(|| yielder.suspend(())));
        leaves.resume(());
        LEAVES.set(Some(leaves));
        BEGINS_AT.set(call);
        MEDDLES.set(Some(leave));
        // So many entries that the list grows three times.
        enter_within(20);
        MEDDLES.set(None);
        let is_reached = BEGINS_AT.take() == 0;
        let mut leaves = LEAVES.take().expect("nobody else takes it");
        if !leaves.done() {
            leaves.resume(());
        }
        drop(leaves);
        assert_eq!(ENTERED.get(), Some(0), "call {call}");
        // Nothing is left in the list that a context without anything to leave would take for its own.
        let others: Vec<_> = (0..1000).map(|_| Box::new(Context::new())).collect();
        for mut other in others.into_iter().filter(|other| ptr::from_ref(&**other).addr() == address) {
            other.run(|| drop(OTHER.set(1)));
        }
        assert_eq!(ENTERED.get(), Some(0), "call {call}");
        is_reached
    }
    fn enter_within(depth: u64) {
        if depth > 0 {
            inherit_context().run(|| enter_within(depth - 1));
        }
    }
    carry::register::<Balanced>();
    let in_thread = |&call: &usize| thread::spawn(move || leave_while_others_enter(call)).join().expect("no panic");
    assert!((1..500).take_while(in_thread).count() > 20);
}

#[test]
fn what_a_coroutine_reads_stays_though_it_began_to_in_an_allocator() {
    for reads in [read, set_and_read] {
        at_every_call(reads, || Context::new().run(work));
        let in_base = || thread::spawn(move || at_every_call(reads, work)).join();
        in_base().expect("as in other contexts");
    }
}
