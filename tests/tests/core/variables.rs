//! Reading, setting and resetting variables in the current context.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, LazyLock};
use std::thread;

use contextvars::{Context, ContextVar, Token, context_var, copy_context, variables, with_context};

use crate::support;
use crate::support::{Census, isolated};

#[context_var(default = 42)]
static ANSWER: i32;

#[context_var]
static NAME: String;

#[context_var]
static OTHER_NAME: String;

#[test]
fn get_returns_the_default_until_a_set() {
    isolated(|| {
        assert_eq!(ANSWER.get(), 42);
        ANSWER.set(43);
        assert_eq!(ANSWER.get(), 43);
    });
}

#[test]
fn a_default_is_not_set() {
    isolated(|| {
        assert_eq!(ANSWER.get(), 42);
        assert!(!ANSWER.is_set());
        assert!(!copy_context().contains(&ANSWER));
    });
}

#[test]
fn the_argument_of_get_or_wins_over_the_default() {
    isolated(|| {
        assert_eq!(ANSWER.get_or(1), 1);
        assert_eq!(ANSWER.get_or_else(|| 2), 2);
        ANSWER.set(3);
        assert_eq!(ANSWER.get_or(1), 3);
        assert_eq!(ANSWER.get_or_else(|| unreachable!("there is a value")), 3);
        assert_eq!(NAME.get_or("nobody".to_owned()), "nobody");
        NAME.set("ada".to_owned());
        assert_eq!(NAME.get_or("nobody".to_owned()), "ada");
    });
}

#[test]
fn an_unset_variable_without_default_is_a_lookup_error() {
    isolated(|| {
        let error = NAME.try_get().unwrap_err();
        assert!(std::ptr::eq(error.variable(), NAME.variable()));
        assert!(NAME.try_with(|_| ()).is_err());
    });
}

#[test]
fn with_lends_the_value_or_the_default_and_returns_the_result() {
    isolated(|| {
        assert_eq!(ANSWER.with(|answer| answer + 1), 43);
        NAME.set("ada".to_owned());
        assert_eq!(NAME.with(String::len), 3);
    });
}

#[test]
fn reset_brings_back_the_old_value() {
    isolated(|| {
        let first = ANSWER.set(1);
        let second = ANSWER.set(2);
        ANSWER.reset(second).unwrap();
        assert_eq!(ANSWER.get(), 1);
        ANSWER.reset(first).unwrap();
        assert_eq!(ANSWER.get(), 42);
        assert!(!ANSWER.is_set());
    });
}

#[test]
fn resets_out_of_order_behave_as_in_python() {
    isolated(|| {
        let first = ANSWER.set(1);
        let second = ANSWER.set(2);
        ANSWER.reset(first).unwrap();
        assert!(!ANSWER.is_set());
        ANSWER.reset(second).unwrap();
        assert_eq!(ANSWER.get(), 1);
    });
}

#[test]
fn a_token_tells_its_variable_and_the_old_value() {
    isolated(|| {
        let first = NAME.set("ada".to_owned());
        assert!(std::ptr::eq(first.var(), &raw const NAME));
        assert_eq!(first.old_value(), None);
        let second = NAME.set("grace".to_owned());
        assert_eq!(second.old_value().map(String::as_str), Some("ada"));
    });
}

#[test]
fn reset_with_a_token_of_another_variable_is_an_error_and_changes_nothing() {
    isolated(|| {
        OTHER_NAME.set("b".to_owned());
        let token = NAME.set("a".to_owned());
        let error = OTHER_NAME.reset(token).unwrap_err();
        assert!(error.is_wrong_variable() && !error.is_wrong_context());
        assert_eq!((NAME.get().as_str(), OTHER_NAME.get().as_str()), ("a", "b"));
        NAME.reset(error.into_token()).unwrap();
        assert!(!NAME.is_set());
    });
}

#[test]
fn reset_in_another_context_is_an_error_and_changes_nothing() {
    isolated(|| {
        let token = NAME.set("a".to_owned());
        let mut copy = copy_context();
        let error = copy.run(|| NAME.reset(token)).unwrap_err();
        assert!(error.is_wrong_context() && !error.is_wrong_variable());
        assert_eq!(copy[&NAME], "a");
        assert_eq!(NAME.get(), "a");
        NAME.reset(error.into_token()).unwrap();
        assert!(!NAME.is_set());
    });
}

#[test]
fn the_wrong_variable_is_reported_before_the_wrong_context() {
    isolated(|| {
        let token = NAME.set("a".to_owned());
        let error = copy_context().run(|| OTHER_NAME.reset(token)).unwrap_err();
        assert!(error.is_wrong_variable());
    });
}

#[test]
fn a_token_works_in_a_later_run_of_its_context() {
    let mut ctx = Context::new().with(&ANSWER, 1);
    let token = ctx.run(|| ANSWER.set(2));
    assert_eq!(ctx[&ANSWER], 2);
    ctx.run(|| ANSWER.reset(token)).unwrap();
    assert_eq!(ctx[&ANSWER], 1);
}

#[test]
fn a_token_made_in_a_context_is_foreign_to_its_clones() {
    let mut ctx = Context::new();
    let token = ctx.run(|| ANSWER.set(2));
    let mut clone = ctx.clone();
    assert!(clone.run(|| ANSWER.reset(token)).unwrap_err().is_wrong_context());
}

#[test]
fn a_token_may_move_to_another_thread_with_its_context() {
    let mut ctx = Context::new();
    let token = ctx.run(|| NAME.set("a".to_owned()));
    let ctx = thread::spawn(move || {
        ctx.run(|| NAME.reset(token)).unwrap();
        ctx
    });
    assert!(ctx.join().unwrap().is_empty());
}

#[test]
fn an_ignored_token_drops_the_old_value_at_once() {
    let census = Census::new();
    isolated(|| {
        COUNTED.set(census.citizen());
        COUNTED.set(census.citizen());
        assert_eq!(census.alive(), 1);
    });
    assert_eq!(census.alive(), 0);
}

#[context_var]
static COUNTED: support::Citizen;

#[test]
fn a_reset_drops_the_replaced_value_and_keeps_the_old_one() {
    let census = Census::new();
    isolated(|| {
        COUNTED.set(census.citizen());
        let token = COUNTED.set(census.citizen());
        assert_eq!(census.alive(), 2);
        COUNTED.reset(token).unwrap();
        assert_eq!(census.alive(), 1);
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_scoped_set_ends_with_its_guard() {
    isolated(|| {
        ANSWER.set(1);
        {
            let _guard = ANSWER.set_scoped(2);
            assert_eq!(ANSWER.get(), 2);
        }
        assert_eq!(ANSWER.get(), 1);
    });
}

#[test]
fn guards_that_end_out_of_order_each_bring_back_what_they_replaced() {
    isolated(|| {
        ANSWER.set(1);
        let (first, second, third) = (ANSWER.set_scoped(2), ANSWER.set_scoped(3), ANSWER.set_scoped(4));
        drop(second);
        assert_eq!(ANSWER.get(), 2);
        drop(first);
        assert_eq!(ANSWER.get(), 1);
        drop(third);
        assert_eq!(ANSWER.get(), 3, "as with Python's tokens, the last to end decides");
    });
}

static EVALUATIONS: AtomicUsize = AtomicUsize::new(0);

#[context_var(default = {
    EVALUATIONS.fetch_add(1, Ordering::SeqCst);
    Arc::new("made once".to_owned())
})]
static LAZY: Arc<String>;

#[test]
fn a_default_is_evaluated_once_in_the_whole_program() {
    assert_eq!(EVALUATIONS.load(Ordering::SeqCst), 0);
    let first = LAZY.get();
    let others: Vec<_> = (0..8).map(|_| thread::spawn(|| LAZY.get())).collect();
    for other in others {
        assert!(Arc::ptr_eq(&first, &other.join().unwrap()));
    }
    assert_eq!(EVALUATIONS.load(Ordering::SeqCst), 1);
}

#[context_var(default = format!("{}!", NAME.get_or("nobody".to_owned())))]
static GREETING: String;

#[test]
fn a_default_is_evaluated_in_an_empty_context_whichever_read_comes_first() {
    let asked = Context::new().with(&NAME, "ada".to_owned()).run(|| GREETING.get());
    assert_eq!(asked, "nobody!");
}

static ATTEMPTS: AtomicUsize = AtomicUsize::new(0);

#[context_var(default = {
    assert!(ATTEMPTS.fetch_add(1, Ordering::SeqCst) > 0, "the first attempt fails");
    7
})]
static FLAKY_DEFAULT: u8;

#[test]
fn a_default_that_panics_is_tried_again_by_the_next_read() {
    assert!(support::panic_of(|| FLAKY_DEFAULT.get()).message.contains("the first attempt fails"));
    assert_eq!(FLAKY_DEFAULT.get(), 7);
}

static WAITERS: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(5));
static FAILURES: AtomicUsize = AtomicUsize::new(0);

#[context_var(default = {
    assert!(FAILURES.fetch_add(1, Ordering::SeqCst) >= 3, "not yet");
    8
})]
static FAILS_FOR_SOME: u8;

#[test]
fn a_default_that_panics_is_tried_again_by_a_thread_that_waits_for_it() {
    let reads: Vec<_> = (0..5)
        .map(|_| {
            thread::spawn(|| {
                WAITERS.wait();
                support::caught(|| FAILS_FOR_SOME.get()).map_err(|panicked| panicked.message)
            })
        })
        .collect();
    let reads: Vec<_> = reads.into_iter().map(|read| read.join().unwrap()).collect();
    assert_eq!(reads.iter().filter(|read| **read == Ok(8)).count(), 2, "{reads:?}");
    assert_eq!((FAILS_FOR_SOME.get(), FAILURES.load(Ordering::SeqCst)), (8, 4));
}

#[context_var(default = {
    // A thread that inherits and one that does not: both are given a value and so need no default.
    let given = thread::spawn(|| with_context!(ASKED_MEANWHILE = 1, { ASKED_MEANWHILE.get() })).join();
    let set = thread::spawn(|| {
        let token = ASKED_MEANWHILE.set(2);
        (ASKED_MEANWHILE.get(), ASKED_MEANWHILE.get_or(3), ASKED_MEANWHILE.reset(token).is_ok(), ASKED_MEANWHILE.get_or(4))
    });
    assert_eq!((given.unwrap(), set.join().unwrap()), (1, (2, 2, true, 4)));
    // Nor does one that it sets itself.
    ASKED_MEANWHILE.set(5);
    ASKED_MEANWHILE.get() + ASKED_MEANWHILE.with(|value| *value)
})]
static ASKED_MEANWHILE: u8;

#[test]
fn a_variable_that_is_set_may_be_read_while_its_default_is_evaluated() {
    isolated(|| {
        assert_eq!(ASKED_MEANWHILE.get(), 10);
        assert!(!ASKED_MEANWHILE.is_set());
    });
}

#[context_var]
static BY_INITIALISER: u8 = 6;

#[context_var(default)]
static BY_TRAIT: u8;

#[test]
fn a_default_may_be_an_argument_an_initialiser_or_the_type_s_own() {
    assert_eq!((BY_INITIALISER.get(), BY_TRAIT.get()), (6, 0));
}

#[test]
fn a_variable_knows_its_declaration() {
    let variable = ANSWER.variable();
    assert_eq!((variable.name(), variable.name()), ("ANSWER", ANSWER.name()));
    assert_eq!(variable.module_path(), module_path!());
    assert_eq!(variable.file(), file!());
    assert!(variable.line() > 0 && variable.column() > 0);
    assert_eq!(variable.type_name(), "i32");
    assert!(variable.has_default() && variable.inherits() && !variable.is_redacted());
    assert_eq!(variable.docs(), None);
    assert_eq!(variable.to_string(), concat!(module_path!(), "::ANSWER"));
    let described = SECRET.variable();
    assert!(!described.has_default() && !described.inherits() && described.is_redacted());
    assert_eq!(described.docs(), Some("A variable that is\nwell described."));
}

#[test]
fn a_variable_knows_the_line_and_column_of_its_name() {
    mod indented {
        #[super::context_var]
        pub(super) static FURTHER_IN: u8;
    }
    let source: Vec<&str> = include_str!("variables.rs").lines().collect();
    for variable in [ANSWER.variable(), indented::FURTHER_IN.variable()] {
        let place = [variable.line(), variable.column()].map(|it| usize::try_from(it - 1).expect("a place in a file"));
        assert!(source[place[0]][place[1]..].starts_with(variable.name()), "{place:?}");
    }
}

/// A variable that is
/// well described.
#[context_var(inherit = false, redact)]
static SECRET: Vec<u8>;

#[context_var]
static NEVER_USED: u8;

#[test]
fn every_variable_of_the_program_is_listed_used_or_not() {
    let here = || variables().filter(|variable| variable.module_path() == module_path!());
    for wanted in ["ANSWER", "NAME", "NEVER_USED", "SECRET"] {
        assert_eq!(here().filter(|variable| variable.name() == wanted).count(), 1, "{wanted}");
    }
}

/// Lies at a multiple of its size.
#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(align(4096))]
struct Page(u8);

#[context_var(default = Page(9))]
static PAGE: Page;

#[context_var]
static NOTHING: ();

#[context_var]
static LARGE: [u64; 1_000];

#[context_var]
static BYTE_OF_MANY: Option<Box<[u8]>>;

#[test]
fn values_may_have_any_size_and_alignment() {
    isolated(|| {
        assert_eq!(PAGE.get(), Page(9));
        let tokens: Vec<_> = (0..20).map(|n| PAGE.set(Page(n))).collect();
        PAGE.with(|page| assert_eq!((std::ptr::from_ref(page).addr() % 4096, page.0), (0, 19)));
        for token in tokens.into_iter().rev() {
            PAGE.reset(token).unwrap();
        }
        assert_eq!(PAGE.get(), Page(9));
        NOTHING.set(());
        NOTHING.get();
        assert_eq!(NOTHING.set(()).old_value(), Some(&()));
        LARGE.set([7; 1_000]);
        assert!(LARGE.with(|large| large.iter().sum::<u64>()) == 7_000);
        assert_eq!(BYTE_OF_MANY.set(None).old_value(), None);
        assert_eq!(BYTE_OF_MANY.set(Some([1, 2].into())).old_value(), Some(&None));
        assert_eq!(copy_context().len(), 3);
    });
}

#[context_var]
static SHARED: Arc<()>;

#[test]
fn get_clones_and_with_lends() {
    isolated(|| {
        NAME.set("ada".to_owned());
        let place = NAME.with(|name| name.as_ptr());
        let copy = NAME.get();
        assert_eq!((copy.as_str(), copy.as_ptr() == place), ("ada", false));
        assert_eq!(NAME.with(|name| name.as_ptr()), place);

        let ours = Arc::new(());
        SHARED.set(Arc::clone(&ours));
        SHARED.with(|lent| assert_eq!(Arc::strong_count(lent), 2));
        let cloned = SHARED.get();
        assert_eq!(Arc::strong_count(&cloned), 3);
    });
}

/// Neither `Copy` nor in need of a destructor.
struct Serial(u32);

impl Clone for Serial {
    fn clone(&self) -> Self {
        Self(self.0 + 1)
    }
}

#[context_var(default = Serial(100))]
static SERIAL: Serial;

#[test]
fn a_value_that_could_be_copied_bit_by_bit_is_cloned_by_its_own_clone() {
    isolated(|| {
        assert_eq!(SERIAL.get().0, 101);
        SERIAL.set(Serial(1));
        assert_eq!((SERIAL.get().0, SERIAL.try_get().unwrap().0, SERIAL.get_or(Serial(0)).0), (2, 2, 2));
        assert_eq!(SERIAL.with(|serial| serial.0), 1);
    });
}

#[test]
fn handles_are_send_and_sync_where_they_promise_it() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    send::<Context>();
    sync::<Context>();
    send::<Token<String>>();
    sync::<Token<String>>();
    sync::<ContextVar<String>>();
}
