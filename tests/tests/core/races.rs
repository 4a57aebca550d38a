//! Threads that share values and contexts and nothing else: the last one frees them, and none sees another's changes.
//!
//! Nothing but the library's own counts orders what these threads do between their beginning and their end, so that
//! a sanitizer has only those to judge; see `ci/sanitizers.sh`.

use std::hint;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use contextvars::{Context, ContextExt, context_var, copy_context, with_context};

#[context_var]
static NAME: String;

#[context_var]
static SPARE: String;

#[context_var]
static COUNTED: Counted;

#[context_var]
static NUMBER: u64;

#[context_var]
static FREED: Freed;

#[context_var]
static LEFT_BEHIND: u64;

/// A value that sets a variable when it is dropped, wherever that is.
struct Freed(Box<u64>);

impl Drop for Freed {
    fn drop(&mut self) {
        *self.0 += 1;
        drop(LEFT_BEHIND.set(*self.0));
    }
}

/// How many values of the one test that has them are alive.
static ALIVE: AtomicUsize = AtomicUsize::new(0);

/// A value that is written to as it is dropped, which must come after all reading.
struct Counted(Box<u64>);

impl Counted {
    fn new(number: u64) -> Self {
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Self(Box::new(number))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        *self.0 = u64::MAX;
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

const ROUNDS: u64 = if cfg!(miri) { 5 } else { 200 };
const THREADS: u64 = 4;

/// Runs `f` on several threads, each with its own number and its own copy of the context.
fn on_threads(context: &Context, f: fn(u64, Context)) {
    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            let copy = context.clone();
            thread::spawn(move || f(number, copy))
        })
        .collect();
    for thread in threads {
        thread.join().expect("the thread ends");
    }
}

/// Lets others go first, now and then.
fn dawdle(number: u64) {
    for _ in 0..number * 50 {
        hint::spin_loop();
    }
}

#[test]
fn the_last_of_several_threads_frees_what_they_share() {
    for round in 0..ROUNDS {
        let context = Context::new().with(&COUNTED, Counted::new(round));
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                let mut copy = context.clone();
                thread::spawn(move || {
                    dawdle(number);
                    let read = copy.run(|| COUNTED.with(|counted| *counted.0));
                    drop(copy);
                    read
                })
            })
            .collect();
        assert_eq!(*context[&COUNTED].0, round);
        // The last owner is one of the threads, or this one.
        drop(context);
        for thread in threads {
            assert_eq!(thread.join().expect("the thread ends"), round);
        }
        assert_eq!(ALIVE.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn of_futures_that_end_on_several_threads_the_last_frees_what_they_share_and_none_leaves_anything() {
    for round in 0..ROUNDS {
        let context = Context::new().with(&FREED, Freed(Box::new(round)));
        let futures: Vec<_> = (0..THREADS).map(|_| async {}.in_context(context.clone())).collect();
        // From here on, all owners are futures.
        let mine = async {}.in_context(context);
        let threads: Vec<_> = (0..)
            .zip(futures)
            .map(|(number, future)| {
                thread::spawn(move || {
                    dawdle(number);
                    drop(future);
                    copy_context().is_empty()
                })
            })
            .collect();
        drop(mine);
        assert!(!LEFT_BEHIND.is_set());
        for thread in threads {
            assert!(thread.join().expect("the thread ends"), "the thread's base context is empty");
        }
    }
}

#[test]
fn threads_change_their_copies_of_one_context_apart() {
    for _ in 0..ROUNDS {
        let context = Context::new().with(&NAME, "of all".to_owned()).with(&SPARE, "spare".to_owned());
        on_threads(&context, |number, mut copy| {
            dawdle(number);
            copy.run(|| {
                assert_eq!(NAME.get(), "of all");
                let token = NAME.set(format!("of thread {number}"));
                drop(SPARE.set(String::new()));
                assert_eq!(NAME.get(), format!("of thread {number}"));
                NAME.reset(token).expect("it is this context's");
                assert_eq!(NAME.get(), "of all");
            });
        });
        assert_eq!((context[&NAME].as_str(), context[&SPARE].as_str()), ("of all", "spare"));
    }
}

#[test]
fn the_sole_owner_of_what_others_had_changes_it_in_place() {
    for round in 0..ROUNDS {
        let mut context = Context::new().with(&NAME, "of all".to_owned());
        let copy = context.clone();
        let thread = thread::spawn(move || {
            assert_eq!(copy[&NAME], "of all");
            drop(copy);
        });
        dawdle(round % 8);
        context.run(|| {
            drop(NAME.set("changed".to_owned()));
            assert_eq!(NAME.get(), "changed");
        });
        thread.join().expect("the thread ends");
        assert_eq!(context[&NAME], "changed");
    }
}

#[test]
fn scopes_and_copies_within_copies_pass_values_on_to_threads() {
    for _ in 0..ROUNDS {
        let context = Context::new().with(&NAME, "outermost".to_owned());
        on_threads(&context, |number, mut copy| {
            copy.run(|| {
                with_context!(NUMBER = number, {
                    let inner = copy_context();
                    let thread = thread::spawn(move || inner[&NUMBER] + inner[&NAME].len() as u64);
                    drop(NAME.set("inner".to_owned()));
                    assert_eq!(thread.join().expect("the thread ends"), number + 9);
                });
                assert_eq!(NAME.get(), "outermost");
            });
        });
    }
}
