//! A global allocator that uses context variables itself, as one would that counts memory by tenant.
//!
//! A process of its own: the allocator is the program's.

#[path = "../support/mod.rs"]
mod support;
mod switching;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use contextvars::carry::{self, Carried};
use contextvars::{Context, context_var, copy_context, inherit_context, with_context};

use crate::support::isolated;
use crate::support::many::{MANY, many};

#[global_allocator]
static ALLOCATOR: Meddling = Meddling;

struct Meddling;

#[context_var(default = 0)]
static TENANT: u64;

#[context_var(default = 0)]
static SET_BY_ALLOCATOR: u64;

#[context_var]
static OTHER: u64;

#[context_var]
static INNERMOST: u64;

/// A value that holds a context.
struct Holder(#[expect(dead_code, reason = "it is dropped with the value")] Context);

#[context_var]
static HOLDER: Holder;

/// How many values that the allocator made are alive.
static ALIVE: AtomicUsize = AtomicUsize::new(0);

struct Counted;

impl Counted {
    fn new() -> Self {
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

#[context_var]
static COUNTED: Counted;

thread_local! {
    /// What the allocator is to do each time; none while it is at it.
    static MEDDLES: Cell<Option<fn()>> = const { Cell::new(None) };
    static TIMES: Cell<usize> = const { Cell::new(0) };
}

fn meddle() {
    if let Some(meddles) = MEDDLES.take() {
        meddles();
        TIMES.set(TIMES.get() + 1);
        MEDDLES.set(Some(meddles));
    }
}

#[expect(unsafe_code, reason = "an allocator is unsafe to write")]
// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Meddling {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        meddle();
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        meddle();
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Sets, resets, copies and enters, with maps that grow, are copied and shrink; returns how often the allocator
/// meddled.
fn work_while_the_allocator(meddles: fn()) -> usize {
    let vars = many();
    isolated(|| {
        drop(TENANT.set(7));
        TIMES.set(0);
        MEDDLES.set(Some(meddles));
        let mut tokens = Vec::new();
        let mut copies = Vec::new();
        for (number, var) in (0..).zip(&vars) {
            tokens.push(var.set(number));
            if number % 64 == 0 {
                copies.push(copy_context());
            }
        }
        with_context!(TENANT = 8, {
            drop(vars[3].set(5));
            assert_eq!((TENANT.get(), vars[3].get()), (8, 5));
        });
        copies[2].run(|| drop(vars[0].set(9)));
        assert_eq!(copies[2].get(vars[0]), Some(&9));
        assert_eq!(copies[3].get(vars[0]), Some(&0));
        for (number, var) in (0..).zip(&vars) {
            assert_eq!(var.get(), number);
        }
        for (var, token) in vars.iter().zip(tokens).rev() {
            var.reset(token).unwrap();
        }
        assert_eq!((TENANT.get(), copy_context().len()), (7, 1));
        drop(copies);
        MEDDLES.set(None);
        TIMES.get()
    })
}

#[test]
fn an_allocator_that_reads_sees_the_context_or_no_values_at_all() {
    let times = work_while_the_allocator(|| {
        let tenant = TENANT.get();
        assert!([0, 7, 8].contains(&tenant), "{tenant}");
        TENANT.with(|same| assert_eq!(*same, tenant));
    });
    assert!(times > MANY, "{times}");
}

#[test]
fn an_allocator_may_copy_and_enter_contexts() {
    let times = work_while_the_allocator(|| {
        let tenant = TENANT.get();
        copy_context().run(|| assert_eq!(TENANT.get(), tenant));
        Context::new().with(&TENANT, 1).run(|| assert_eq!(TENANT.get(), 1));
        assert_eq!(TENANT.get(), tenant);
    });
    assert!(times > MANY, "{times}");
}

#[test]
fn what_an_allocator_sets_and_resets_harms_no_value_of_others() {
    let times = work_while_the_allocator(|| {
        let token = SET_BY_ALLOCATOR.set(3);
        assert_eq!(SET_BY_ALLOCATOR.get(), 3);
        SET_BY_ALLOCATOR.reset(token).unwrap();
    });
    assert!(times > MANY, "{times}");
}

/// Sets and resets, also in a thread's base context. At the end of the thread, nothing can be set.
fn set_and_reset() {
    let token = SET_BY_ALLOCATOR.set(3);
    if SET_BY_ALLOCATOR.is_set() {
        SET_BY_ALLOCATOR.reset(token).unwrap();
    }
}

#[test]
fn scopes_in_a_base_context_end_well_whatever_an_allocator_sets_and_resets() {
    let vars = many();
    thread::spawn(move || {
        for (number, var) in (0..).zip(&vars) {
            drop(var.set(number));
        }
        MEDDLES.set(Some(set_and_reset));
        for _ in 0..3 {
            with_context!(TENANT = 8, { assert_eq!((TENANT.get(), vars[3].get()), (8, 3)) });
            assert_eq!((TENANT.get(), vars[3].get()), (0, 3));
            assert_eq!(copy_context().len(), vars.len());
        }
        MEDDLES.set(None);
    })
    .join()
    .unwrap();
}

#[test]
fn a_thread_whose_allocator_sets_variables_to_the_last_comes_to_its_end() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    const TOO_MANY: usize = 10_000;
    thread::spawn(|| {
        MEDDLES.set(Some(|| {
            if CALLS.fetch_add(1, Ordering::Relaxed) < TOO_MANY {
                set_and_reset();
            }
        }));
        with_context!(TENANT = 8, { drop(OTHER.set(1)) });
    })
    .join()
    .unwrap();
    assert!(CALLS.load(Ordering::Relaxed) < TOO_MANY);
}

#[test]
fn values_that_an_allocator_lets_go_are_dropped_however_deep_it_is_called() {
    for levels in [1, 63, 64, 65, 66, 200] {
        let chain = (0..levels).fold(Context::new(), |inner, _| Context::new().with(&HOLDER, Holder(inner)));
        TIMES.set(0);
        // Not without end: to free a value that waited for its turn is work for the allocator again.
        MEDDLES.set(Some(|| {
            if TIMES.get() < 1000 {
                drop(Context::new().with(&COUNTED, Counted::new()));
            }
        }));
        drop(chain);
        MEDDLES.set(None);
        assert!(TIMES.get() >= levels);
        assert_eq!(ALIVE.load(Ordering::Relaxed), 0, "{levels} levels");
    }
}

/// A value that sets a variable, and so changes the context at hand, when it is dropped.
struct SetsOnDrop;

impl Drop for SetsOnDrop {
    fn drop(&mut self) {
        // What is done here is not work for the allocator again, or there would be no end to it.
        let meddles = MEDDLES.take();
        drop(SET_BY_ALLOCATOR.set(SET_BY_ALLOCATOR.get() + 1));
        MEDDLES.set(meddles);
    }
}

#[context_var]
static SETS: SetsOnDrop;

#[test]
fn destructors_of_an_allocator_s_values_change_no_context_but_the_one_at_hand() {
    isolated(|| {
        drop(TENANT.set(1));
        for _ in 0..10 {
            // In the middle of a change, where the allocator finds no values; its own go when that is done.
            MEDDLES.set(Some(|| {
                if !TENANT.is_set() {
                    drop(SETS.set(SetsOnDrop));
                }
            }));
            let mut tokens = Vec::new();
            with_context!(TENANT = 2, {
                tokens.push(OTHER.set(2));
                with_context!(TENANT = 3, OTHER = 3, {
                    // A copy has the body's values, too, so the scope's end has to copy.
                    let _copy = with_context!(INNERMOST = 4, {
                        tokens.push(OTHER.set(4));
                        assert_eq!((TENANT.get(), OTHER.get()), (3, 4));
                        copy_context()
                    });
                    assert_eq!((TENANT.get(), OTHER.get(), INNERMOST.is_set()), (3, 3, false));
                });
                tokens.push(OTHER.set(5));
                assert_eq!((TENANT.get(), OTHER.get(), INNERMOST.is_set()), (2, 5, false));
            });
            assert_eq!((TENANT.get(), OTHER.is_set(), INNERMOST.is_set()), (1, false, false));
            for token in tokens {
                assert!(OTHER.reset(token).unwrap_err().is_wrong_context());
            }
            MEDDLES.set(None);
        }
    });
}

thread_local! {
    static STATE: Cell<u64> = const { Cell::new(0) };
}

/// What another library keeps for each thread.
struct State(u64);

impl Carried for State {
    type Undo = [u64; 3];

    fn capture() -> Option<Self> {
        Some(Self(STATE.get())).filter(|state| state.0 != 0)
    }

    fn enter(&self) -> Option<[u64; 3]> {
        Some([STATE.replace(self.0); 3])
    }

    fn leave(&self, before: [u64; 3]) {
        assert_eq!(STATE.replace(before[1]), self.0);
    }
}

/// Enters so many children's contexts within one another, each with a state of its own.
fn descend(depth: u64) {
    let before = STATE.replace(depth);
    let mut child = inherit_context();
    STATE.set(before);
    child.run(|| {
        TENANT.set(depth);
        assert_eq!(STATE.get(), depth);
        if depth < 100 {
            descend(depth + 1);
        }
        assert_eq!((STATE.get(), TENANT.get()), (depth, depth));
    });
    assert_eq!(STATE.get(), before);
}

#[test]
fn an_allocator_may_enter_contexts_while_something_carried_is_entered_and_left() {
    carry::register::<State>();
    isolated(|| {
        MEDDLES.set(Some(|| {
            let mut own = inherit_context().with(&OTHER, 1);
            own.run(|| drop(OTHER.set(2)));
            drop(with_context!(OTHER = 3, { copy_context() }));
        }));
        descend(1);
        MEDDLES.set(None);
    });
    assert!(TIMES.get() > 100);
    assert_eq!(STATE.get(), 0);
}
