//! Threads: each begins with an empty context, and everything works until its very end.

use std::cell::RefCell;
use std::panic;
use std::sync::{Barrier, mpsc};
use std::thread;

use contextvars::{Context, ContextExt, SetGuard, SharedContext, Token, context_var, copy_context, with_context};

use crate::support::{Census, Citizen, caught, forget, on_a_thread};

#[context_var(default = 0)]
static NUMBER: u32;

#[context_var]
static NAME: String;

#[context_var]
static COUNTED: Citizen;

#[context_var]
static OTHER_COUNTED: Citizen;

#[context_var]
static HOOK: Hook;

/// A value that calls a function when it is dropped.
struct Hook(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Hook {
    fn new(f: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(f)))
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

thread_local! {
    static BEFORE_OURS: AtExit = const { AtExit(RefCell::new(Vec::new())) };
    static AFTER_OURS: AtExit = const { AtExit(RefCell::new(Vec::new())) };
}

/// Calls functions when its thread ends.
struct AtExit(RefCell<Vec<Box<dyn FnOnce()>>>);

impl Drop for AtExit {
    fn drop(&mut self) {
        for f in self.0.take() {
            f();
        }
    }
}

impl AtExit {
    fn add(&self, f: impl FnOnce() + 'static) {
        self.0.borrow_mut().push(Box::new(f));
    }
}

/// Runs `f` on a thread that has destructors on both sides of the library's own, and waits for the thread's end.
///
/// Thread-locals are destroyed in the reverse order of their first use, and the library's is first used by a set.
fn at_exit(f: impl FnOnce(&AtExit, &AtExit) + Send + 'static) {
    on_a_thread(|| {
        AFTER_OURS.with(|after| {
            NUMBER.reset(NUMBER.set(0)).unwrap();
            BEFORE_OURS.with(|before| f(before, after));
        });
    });
}

#[test]
fn every_thread_starts_empty() {
    on_a_thread(|| {
        NUMBER.set(1);
        NAME.set("parent".to_owned());
        let seen = thread::spawn(|| (NUMBER.get(), NAME.try_get().is_err(), copy_context().is_empty()));
        assert_eq!(seen.join().unwrap(), (0, true, true));
    });
}

#[test]
fn threads_do_not_see_each_other_s_sets() {
    let (both_set, both_read) = (Barrier::new(2), Barrier::new(2));
    thread::scope(|scope| {
        for own in 1..=2 {
            let (both_set, both_read) = (&both_set, &both_read);
            scope.spawn(move || {
                let token = NUMBER.set(own);
                both_set.wait();
                assert_eq!(NUMBER.get(), own);
                both_read.wait();
                NUMBER.reset(token).unwrap();
                assert!(!NUMBER.is_set());
            });
        }
    });
}

#[test]
fn a_token_of_another_thread_s_base_context_is_foreign() {
    let token = thread::spawn(|| NUMBER.set(1)).join().unwrap();
    let error = NUMBER.reset(token).unwrap_err();
    assert!(error.is_wrong_context());
    let mine = on_a_thread(|| {
        NUMBER.set(2);
        NUMBER.reset(error.into_token()).map_err(|error| error.is_wrong_context())
    });
    assert_eq!(mine, Err(true));
}

#[test]
fn threads_share_a_context_s_values_without_copying_them() {
    const TIMES: usize = if cfg!(miri) { 20 } else { 1000 };
    let census = Census::new();
    let ctx = Context::new().with(&COUNTED, census.citizen());
    thread::scope(|scope| {
        for _ in 0..8 {
            let mut ctx = ctx.clone();
            scope.spawn(move || {
                ctx.run(|| {
                    for _ in 0..TIMES {
                        COUNTED.with(|_| copy_context().run(|| NUMBER.set(1)));
                    }
                });
            });
        }
    });
    assert_eq!((census.born(), census.alive()), (1, 1));
}

#[test]
fn the_base_context_s_values_are_freed_with_their_thread() {
    let census = Census::new();
    let (first, second) = (census.citizen(), census.citizen());
    on_a_thread(move || {
        COUNTED.set(first);
        OTHER_COUNTED.set(second);
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_thread_that_panics_frees_its_values_too() {
    let census = Census::new();
    let citizen = census.citizen();
    let joined = thread::spawn(move || {
        let _ = caught(|| {
            COUNTED.set(citizen);
            panic!("in the thread");
        });
    });
    joined.join().unwrap();
    assert_eq!(census.alive(), 0);
}

#[test]
fn reads_work_in_every_destructor_of_the_thread() {
    let (sender, seen) = mpsc::channel();
    at_exit(move |before, after| {
        NUMBER.set(7);
        for at_exit in [before, after] {
            let sender = sender.clone();
            at_exit.add(move || {
                let seen = (NUMBER.get(), NUMBER.get_or(5), NUMBER.is_set(), NUMBER.with(|number| *number));
                sender.send((seen, NAME.try_get().is_err(), copy_context().len())).expect("the test listens");
            });
        }
    });
    assert_eq!(seen.iter().collect::<Vec<_>>(), [((7, 7, true, 7), true, 1), ((0, 5, false, 0), true, 0)]);
}

#[test]
fn sets_in_every_destructor_of_the_thread_lose_no_memory() {
    let census = Census::new();
    let counted = census.clone();
    let (sender, seen) = mpsc::channel();
    at_exit(move |before, after| {
        COUNTED.set(counted.citizen());
        for at_exit in [before, after] {
            let (counted, sender) = (counted.clone(), sender.clone());
            at_exit.add(move || {
                let token = COUNTED.set(counted.citizen());
                let _ignored = OTHER_COUNTED.set(counted.citizen());
                let is_set = COUNTED.is_set();
                let is_reset = COUNTED.reset(token).is_ok();
                drop(COUNTED.set_scoped(counted.citizen()));
                sender.send((is_set, is_reset, COUNTED.is_set())).expect("the test listens");
            });
        }
    });
    // Once the base context is gone, what is set there goes at once.
    assert_eq!(seen.iter().collect::<Vec<_>>(), [(true, true, true), (false, true, false)]);
    assert_eq!(census.alive(), 0);
}

#[test]
fn tokens_and_guards_may_be_used_in_every_destructor_of_the_thread() {
    let census = Census::new();
    let counted = census.clone();
    let (sender, seen) = mpsc::channel();
    at_exit(move |before, after| {
        for at_exit in [before, after] {
            COUNTED.set(counted.citizen());
            let token: Token<Citizen> = COUNTED.set(counted.citizen());
            let guard: SetGuard<Citizen> = OTHER_COUNTED.set_scoped(counted.citizen());
            let sender = sender.clone();
            at_exit.add(move || {
                let has_old_value = token.old_value().is_some();
                drop(guard);
                let is_reset = COUNTED.reset(token).is_ok();
                sender.send((has_old_value, is_reset)).expect("the test listens");
            });
        }
    });
    assert_eq!(seen.iter().collect::<Vec<_>>(), [(true, true), (true, true)]);
    assert_eq!(census.alive(), 0);
}

#[test]
fn contexts_can_be_entered_in_every_destructor_of_the_thread() {
    let census = Census::new();
    let counted = census.clone();
    let (sender, seen) = mpsc::channel();
    at_exit(move |before, after| {
        NUMBER.set(1);
        for at_exit in [before, after] {
            let (mut ctx, shared) = (copy_context().with(&COUNTED, counted.citizen()), SharedContext::new());
            let (sender, counted) = (sender.clone(), counted.clone());
            at_exit.add(move || {
                let by_run = ctx.run(|| {
                    NUMBER.set(NUMBER.get() + 1);
                    COUNTED.set(counted.citizen());
                    NUMBER.get()
                });
                let by_share = shared.run(|| NUMBER.set(3).old_value().is_none()).is_ok();
                let by_scope = with_context!(NUMBER = 4, COUNTED = counted.citizen(), { NUMBER.get() });
                let by_future = pollster::block_on(async { NUMBER.get() }.in_context(ctx.clone()));
                sender.send((by_run, by_share, by_scope, by_future)).expect("the test listens");
            });
        }
    });
    assert_eq!(seen.iter().collect::<Vec<_>>(), [(2, true, 4, 2), (2, true, 4, 2)]);
    assert_eq!(census.alive(), 0);
}

#[test]
fn scopes_within_one_another_are_undone_in_every_destructor_of_the_thread() {
    let (sender, seen) = mpsc::channel();
    at_exit(move |before, after| {
        for at_exit in [before, after] {
            let sender = sender.clone();
            at_exit.add(move || {
                let levels = with_context!(NUMBER = 1, {
                    NAME.set("outer".to_owned());
                    let inner = with_context!(NUMBER = 2, {
                        NAME.set("middle".to_owned());
                        with_context!(NUMBER = 3, { drop(NAME.set("inner".to_owned())) });
                        (NUMBER.get(), NAME.get())
                    });
                    (inner, (NUMBER.get(), NAME.get()))
                });
                sender.send(levels).expect("the test listens");
            });
        }
    });
    let levels = ((2, "middle".to_owned()), (1, "outer".to_owned()));
    assert_eq!(seen.iter().collect::<Vec<_>>(), [levels.clone(), levels]);
}

#[test]
fn values_held_by_the_last_destructors_are_dropped_with_them() {
    let census = Census::new();
    let counted = census.clone();
    at_exit(move |_, after| {
        COUNTED.set(counted.citizen());
        let (ctx, token) = (copy_context(), COUNTED.set(counted.citizen()));
        after.add(move || drop((ctx, token)));
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_value_that_uses_the_library_when_its_thread_ends_may_do_so() {
    let census = Census::new();
    let counted = census.clone();
    let (sender, seen) = mpsc::channel();
    on_a_thread(move || {
        NUMBER.set(7);
        HOOK.set(Hook::new(move || {
            // The base context is gone by now: it holds nothing, and keeps nothing.
            let before = (NUMBER.get(), copy_context().len(), HOOK.is_set());
            COUNTED.set(counted.citizen());
            drop(OTHER_COUNTED.set_scoped(counted.citizen()));
            let token = NUMBER.set(8);
            let in_scope = with_context!(COUNTED = counted.citizen(), NUMBER = 9, { NUMBER.get() });
            let in_run = Context::new().run(|| {
                COUNTED.set(counted.citizen());
                COUNTED.with(|_| copy_context().run(|| drop(COUNTED.set(counted.citizen()))));
                NUMBER.set(10).old_value().is_none() && NUMBER.get() == 10
            });
            assert!(in_run);
            let after = (NUMBER.get(), COUNTED.is_set(), NUMBER.reset(token).is_ok());
            sender.send((before, in_scope, after)).expect("the test listens");
            HOOK.set(Hook::new(move || sender.send(((0, 0, false), 0, (0, false, false))).expect("the test listens")));
        }));
    });
    let expected = [((0, 0, false), 9, (0, false, true)), ((0, 0, false), 0, (0, false, false))];
    assert_eq!(seen.iter().collect::<Vec<_>>(), expected);
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_value_whose_drop_panics_when_its_thread_ends_does_no_harm() {
    let census = Census::new();
    let counted = census.clone();
    on_a_thread(move || {
        COUNTED.set(counted.citizen());
        // Unlike `panic!`, this prints nothing.
        HOOK.set(Hook::new(|| panic::resume_unwind(Box::new("a panic in a destructor"))));
        OTHER_COUNTED.set(counted.citizen());
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_guard_that_a_thread_forgets_costs_no_more_than_itself() {
    let census = Census::new();
    let counted = census.clone();
    on_a_thread(move || {
        forget(COUNTED.set_scoped(counted.citizen()));
        forget(OTHER_COUNTED.set(counted.citizen()));
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_context_made_by_a_thread_outlives_it() {
    let (ctx, token) = thread::spawn(|| {
        let mut ctx = copy_context().with(&NAME, "from a thread".to_owned());
        let token = ctx.run(|| NUMBER.set(1));
        (ctx, token)
    })
    .join()
    .unwrap();
    let mut ctx = ctx;
    assert_eq!((ctx[&NAME].as_str(), ctx[&NUMBER]), ("from a thread", 1));
    ctx.run(|| NUMBER.reset(token)).unwrap();
    assert!(!ctx.contains(&NUMBER));
}
