//! Coroutines with stacks of their own, which can be left in any order: whatever becomes of their contexts, what is
//! being read stays where it is.

#![cfg(all(not(miri), any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64", target_arch = "arm")))]

use std::cell::{Cell, RefCell};
use std::ptr;

use contextvars::{Context, context_var, copy_context, with_context};
use corosensei::{Coroutine, CoroutineResult, Yielder};

use crate::support::{Census, Citizen, OnDrop, forget, on_a_thread};

#[context_var]
static NAME: String;

#[context_var]
static COUNTED: Citizen;

/// Reads the name before and after it lets others go on.
fn reading(yielder: &Yielder<(), ()>) {
    NAME.with(|name| {
        let before = name.clone();
        yielder.suspend(());
        assert_eq!(*name, before);
    });
}

#[test]
fn readers_may_end_in_any_order() {
    on_a_thread(|| {
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut coroutines = Vec::new();
            for n in 0..3 {
                drop(NAME.set(format!("value {n}")));
                let mut coroutine = Coroutine::<(), (), ()>::new(|yielder, ()| reading(yielder));
                coroutine.resume(());
                coroutines.push(coroutine);
            }
            for index in order {
                drop(NAME.set(format!("before the end of {index}")));
                coroutines[index].resume(());
                assert!(coroutines[index].done());
                NAME.with(|name| assert_eq!(*name, format!("before the end of {index}")));
            }
        }
    });
}

#[test]
fn readers_of_values_not_replaced_yet_may_end_in_any_order() {
    let census = Census::new();
    on_a_thread({
        let census = census.clone();
        move || {
            drop(COUNTED.set(census.citizen()));
            let read = |yielder: &Yielder<(), ()>, ()| COUNTED.with(|_| yielder.suspend(()));
            let mut coroutines: Vec<_> = (0..3).map(|_| Coroutine::<(), (), ()>::new(read)).collect();
            for coroutine in &mut coroutines {
                coroutine.resume(());
            }
            coroutines[0].resume(());
            coroutines[1].resume(());
            drop(COUNTED.set(census.citizen()));
            assert_eq!(census.alive(), 2);
            coroutines[2].resume(());
            assert_eq!(census.alive(), 1);
        }
    });
    assert_eq!(census.alive(), 0);
}

/// No destructor: such values are freed at once, and their memory is used again.
#[context_var]
static NUMBER: u64;

#[context_var]
static OTHER: u64;

type NumberReader = Coroutine<(), (), u64>;

/// Begins to read the number, and returns what it reads at its end.
fn number_reader() -> NumberReader {
    let mut reader = NumberReader::new(|yielder, ()| {
        NUMBER.with(|number| {
            yielder.suspend(());
            *number
        })
    });
    assert!(matches!(reader.resume(()), CoroutineResult::Yield(())));
    reader
}

/// What the reader reads after memory that was freed has been used again.
fn read_at_last(reader: &mut NumberReader) -> u64 {
    let _used_again: Vec<Context> = (1000..1100).map(|n| Context::new().with(&NUMBER, n).with(&OTHER, n)).collect();
    reader.resume(()).as_return().expect("it has come to its end")
}

#[test]
fn values_without_destructors_that_are_read_outlive_their_scopes_and_contexts() {
    let ends: [fn() -> NumberReader; 7] = [
        || with_context!(NUMBER = 1, { number_reader() }),
        || {
            with_context!(NUMBER = 1, {
                drop(OTHER.set(2));
                number_reader()
            })
        },
        || {
            with_context!(NUMBER = 1, {
                let reader = number_reader();
                drop(OTHER.set(2));
                reader
            })
        },
        || {
            let (reader, _copy) = with_context!(NUMBER = 1, OTHER = 2, { (number_reader(), copy_context()) });
            reader
        },
        || {
            drop(NUMBER.set(1));
            let reader = number_reader();
            drop(NUMBER.set(2));
            reader
        },
        || {
            let token = NUMBER.set(1);
            let reader = number_reader();
            NUMBER.reset(token).unwrap();
            reader
        },
        || Context::new().with(&NUMBER, 1).run(number_reader),
    ];
    for end in ends {
        on_a_thread(move || {
            Context::new().run(|| assert_eq!(read_at_last(&mut end()), 1));
            assert_eq!(read_at_last(&mut end()), 1);
            drop(OTHER.set(3));
            assert_eq!(read_at_last(&mut end()), 1);
        });
    }
}

#[test]
fn what_was_read_before_two_scopes_outlives_them_though_the_first_ends_first() {
    /// A coroutine in the middle of a scope, which ends when the coroutine is dropped.
    fn scope(number: u64) -> Coroutine<(), (), ()> {
        let mut scope = Coroutine::<(), (), ()>::new(move |yielder, ()| {
            with_context!(NUMBER = number, { yielder.suspend(()) });
        });
        scope.resume(());
        scope
    }
    on_a_thread(|| {
        Context::new().run(|| {
            drop(NUMBER.set(1));
            let mut reader = number_reader();
            let (first, second) = (scope(2), scope(3));
            drop(first);
            assert_eq!(read_at_last(&mut reader), 1);
            drop(second);
        });
    });
}

#[test]
fn sync_scopes_of_coroutines_that_end_out_of_order_leave_a_value_behind() {
    Context::new().run(|| {
        let scope =
            |number| Coroutine::<(), (), ()>::new(move |yielder, ()| NUMBER.sync_scope(number, || yielder.suspend(())));
        let mut coroutines = [scope(1), scope(2)];
        for index in [0, 1, 0, 1] {
            coroutines[index].resume(());
        }
        assert_eq!(NUMBER.try_get().ok(), Some(1));
    });
}

#[test]
fn a_run_may_be_left_while_a_value_is_read_in_its_context() {
    on_a_thread(|| {
        let mut ctx = Context::new().with(&NAME, "of the coroutine".to_owned());
        let mut coroutine = Coroutine::<(), (), ()>::new(move |yielder, ()| {
            ctx.run(|| yielder.suspend(()));
            drop(ctx);
        });
        coroutine.resume(());
        NAME.with(|name| {
            coroutine.resume(());
            assert!(!NAME.is_set());
            assert_eq!(name, "of the coroutine");
        });
    });
}

#[test]
fn a_coroutine_that_is_dropped_ends_its_readers_and_leaves_its_context() {
    let census = Census::new();
    on_a_thread({
        let census = census.clone();
        move || {
            drop(NAME.set("outer".to_owned()));
            let mut ctx = copy_context().with(&COUNTED, census.citizen());
            let mut coroutine = Coroutine::<(), (), ()>::new(move |yielder, ()| {
                ctx.run(|| COUNTED.with(|_| reading(yielder)));
            });
            coroutine.resume(());
            assert!(COUNTED.is_set(), "the coroutine has not left its context");
            drop(coroutine);
            assert_eq!((COUNTED.is_set(), NAME.get().as_str(), census.alive()), (false, "outer", 0));
        }
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn coroutines_that_take_turns_at_random_do_no_harm() {
    fn work(yielder: &Yielder<(), ()>, own: usize, depth: usize) {
        if depth == 0 {
            return;
        }
        drop(NAME.set(format!("{own} at {depth}")));
        reading(yielder);
        NAME.with(|name| {
            let before = name.clone();
            copy_context().run(|| work(yielder, own, depth - 1));
            yielder.suspend(());
            Context::new().with(&NAME, "another".to_owned()).run(|| reading(yielder));
            assert_eq!(*name, before);
        });
    }
    on_a_thread(|| {
        for seed in 0..50_u32 {
            let new = |own| Coroutine::<(), (), ()>::new(move |yielder, ()| work(yielder, own, 3));
            let mut coroutines: Vec<_> = (0..5).map(new).collect();
            let mut turn = seed;
            while !coroutines.is_empty() {
                turn = turn.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let index = (turn >> 16) as usize % coroutines.len();
                coroutines[index].resume(());
                // Some are dropped before their end.
                if coroutines[index].done() || turn % 41 == 0 {
                    drop(coroutines.swap_remove(index));
                }
            }
        }
    });
}

thread_local! {
    /// Of the coroutine that runs on this thread, the way out of it.
    static WAY_OUT: Cell<*const Yielder<(), ()>> = const { Cell::new(ptr::null()) };
}

/// A value whose destructor lets others go on in the middle, if it runs in a coroutine.
struct Pauses(#[expect(dead_code, reason = "counts the values alive")] Citizen);

impl Drop for Pauses {
    #[expect(unsafe_code, reason = "a destructor has no argument by which a yielder could reach it")]
    fn drop(&mut self) {
        // SAFETY: null, or set by the coroutine that runs here, whose yielder lives until that has come to its end.
        if let Some(yielder) = unsafe { WAY_OUT.get().as_ref() } {
            WAY_OUT.set(ptr::null());
            yielder.suspend(());
        }
    }
}

#[context_var]
static PAUSES: Pauses;

#[test]
fn destructors_that_are_left_in_another_order_than_they_began_keep_no_value_from_being_dropped() {
    let census = Census::new();
    on_a_thread({
        let census = census.clone();
        move || {
            let doomed = || Context::new().with(&PAUSES, Pauses(census.citizen()));
            for _ in 0..200 {
                let mut coroutines = [doomed(), doomed()].map(|ctx| {
                    Coroutine::<(), (), ()>::new(move |yielder, ()| {
                        WAY_OUT.set(yielder);
                        drop(ctx);
                        WAY_OUT.set(ptr::null());
                    })
                });
                // Both are within a destructor; the one that began first is done first.
                for _ in 0..2 {
                    for coroutine in coroutines.iter_mut().filter(|coroutine| !coroutine.done()) {
                        coroutine.resume(());
                    }
                }
                assert_eq!((census.alive(), coroutines.iter().all(Coroutine::done)), (0, true));
            }
            drop(doomed());
            assert_eq!(census.alive(), 0);
        }
    });
}

#[test]
fn a_reader_may_go_on_in_another_coroutine_and_come_back() {
    let census = Census::new();
    on_a_thread({
        let census = census.clone();
        move || {
            drop(NAME.set("outermost".to_owned()));
            drop(COUNTED.set(census.citizen()));
            let mut outer = Coroutine::<(), (), ()>::new(|yielder, ()| {
                NAME.with(|name| {
                    // Resumed within the reader, and left and resumed again while its own readers live.
                    let mut inner = Coroutine::<(), (), ()>::new(|inner, ()| {
                        NAME.with(|name| {
                            COUNTED.with(|_| {
                                drop(NAME.set("by the inner one".to_owned()));
                                reading(inner);
                                let mut ctx = Context::new().with(&NAME, "of a run".to_owned());
                                ctx.run(|| reading(inner));
                            });
                            assert_eq!(name, "outermost");
                        });
                    });
                    inner.resume(());
                    yielder.suspend(());
                    inner.resume(());
                    assert_eq!(NAME.get(), "of a run", "the inner one has not left it");
                    yielder.suspend(());
                    inner.resume(());
                    assert!(inner.done());
                    assert_eq!((name.as_str(), NAME.get().as_str()), ("outermost", "by the main stack"));
                });
            });
            outer.resume(());
            drop(NAME.set("by the main stack".to_owned()));
            outer.resume(());
            NAME.with(|name| {
                drop(COUNTED.set(census.citizen()));
                outer.resume(());
                assert!(outer.done());
                assert_eq!(name, "of a run");
            });
            assert_eq!((NAME.get().as_str(), census.alive()), ("by the main stack", 1));
        }
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_coroutine_forgotten_while_it_reads_keeps_its_value_and_no_other() {
    let census = Census::new();
    on_a_thread({
        let census = census.clone();
        move || {
            drop(COUNTED.set(census.citizen()));
            // What it leaks is to be found elsewhere, too, by what looks for leaks.
            forget(copy_context());
            let mut coroutine = Coroutine::<(), (), ()>::new(|yielder, ()| COUNTED.with(|_| yielder.suspend(())));
            coroutine.resume(());
            forget(coroutine);
            for _ in 0..1000 {
                drop(COUNTED.set(census.citizen()));
                COUNTED.with(|_| drop(COUNTED.set(census.citizen())));
                copy_context().run(|| drop(COUNTED.set(census.citizen())));
                assert_eq!(census.alive(), 2);
            }
        }
    });
    assert_eq!(census.alive(), 1);
}

thread_local! {
    static LEFT_BEHIND: LeftBehind = const { LeftBehind(RefCell::new(Vec::new())) };
}

/// Coroutines that are dropped with their thread, the last to begin first.
struct LeftBehind(RefCell<Vec<Coroutine<(), (), ()>>>);

impl Drop for LeftBehind {
    fn drop(&mut self) {
        while let Some(coroutine) = self.0.get_mut().pop() {
            drop(coroutine);
        }
    }
}

#[test]
fn a_coroutine_may_be_in_a_run_and_a_reader_when_its_thread_ends() {
    let census = Census::new();
    // The thread's coroutines go before what frees its base context, or there is nothing in that to free.
    for base_has_values in [true, false] {
        on_a_thread({
            let census = census.clone();
            move || {
                if base_has_values {
                    drop(COUNTED.set(census.citizen()));
                }
                for _ in 0..3 {
                    let census = census.clone();
                    let mut ctx = Context::new().with(&COUNTED, census.citizen());
                    let mut coroutine = Coroutine::<(), (), ()>::new(move |yielder, ()| {
                        ctx.run(|| {
                            COUNTED.with(|_| {
                                let _last = OnDrop(|| {
                                    drop(COUNTED.set(census.citizen()));
                                    drop(NAME.set("at the end".to_owned()));
                                });
                                drop(COUNTED.set(census.citizen()));
                                COUNTED.with(|_| yielder.suspend(()));
                            });
                        });
                    });
                    coroutine.resume(());
                    LEFT_BEHIND.with(|left| left.0.borrow_mut().push(coroutine));
                }
            }
        });
        assert_eq!(census.alive(), 0);
    }
}
