//! Values whose own code calls back into the library, and readers whose value is replaced under their hands.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::fmt;
use std::pin::pin;
use std::str::FromStr;
use std::thread;

use contextvars::baggage::{self, Baggage};
use contextvars::{
    Context, ContextExt, SharedContext, context_var, copy_context, inherit_context, round_trip, with_context,
};
use serde::{Serialize, Serializer};

use crate::support::{Census, Citizen, isolated, on_a_thread, poll, yielding};

#[context_var(default = 0)]
static NUMBER: u32;

#[context_var]
static NAME: String;

#[context_var]
static MEDDLER: Meddler;

#[context_var(inherit = false)]
static PRIVATE_MEDDLER: Meddler;

#[context_var(baggage = "traveller")]
static TRAVELLER: Meddler;

#[context_var]
static COUNTED: Citizen;

thread_local! {
    /// How often values meddled, by method.
    static MEDDLED: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
    static MEDDLING: Cell<bool> = const { Cell::new(false) };
}

/// A value each of whose methods does everything that can be done with the current context.
struct Meddler {
    citizen: Citizen,
    text: String,
}

impl Meddler {
    fn new(census: &Census, text: &str) -> Self {
        Self { citizen: census.citizen(), text: text.to_owned() }
    }

    /// Uses the whole library from within it, and leaves `MEDDLER` with another value.
    fn meddle(&self, method: &'static str) {
        MEDDLED.with_borrow_mut(|meddled| meddled.push(method));
        // Values that go while one is meddling are quiet, or this would have no end.
        if MEDDLING.replace(true) {
            return;
        }
        let census = Census::new();
        let before = self.text.clone();
        let token = NUMBER.set(NUMBER.get() + 1);
        drop(MEDDLER.set(Self::new(&census, "set while meddling")));
        MEDDLER.with(|current| {
            drop(MEDDLER.set(Self::new(&census, "set while meddling and reading")));
            assert_eq!(current.text, "set while meddling");
            drop(PRIVATE_MEDDLER.set_scoped(Self::new(&census, "scoped")));
            drop(copy_context().run(|| (MEDDLER.get(), inherit_context())));
        });
        with_context!(MEDDLER = Self::new(&census, "in a scope"), {
            assert!(MEDDLER.get().text.starts_with("in a scope"))
        });
        assert_eq!(copy_context(), copy_context().clone());
        assert!(format!("{:?}", copy_context()).contains("reading"));
        SharedContext::from(copy_context()).run(|| drop(MEDDLER.set(Self::new(&census, "shared")))).unwrap();
        pollster::block_on(async { drop(MEDDLER.set(Self::new(&census, "polled"))) }.in_context(Context::new()));
        NUMBER.reset(token).unwrap();
        assert_eq!(self.text, before);
        MEDDLING.set(false);
    }
}

impl Clone for Meddler {
    fn clone(&self) -> Self {
        self.meddle("clone");
        Self { citizen: self.citizen.clone(), text: format!("{}, cloned", self.text) }
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        self.meddle("drop");
    }
}

impl fmt::Debug for Meddler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.meddle("debug");
        f.write_str(&self.text)
    }
}

impl fmt::Display for Meddler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.meddle("display");
        f.write_str(&self.text)
    }
}

impl Serialize for Meddler {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.meddle("serialize");
        serializer.serialize_str(&self.text)
    }
}

impl FromStr for Meddler {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let made = Self::new(&Census::new(), text);
        made.meddle("from_str");
        Ok(made)
    }
}

impl PartialEq for Meddler {
    fn eq(&self, other: &Self) -> bool {
        self.meddle("eq");
        other.meddle("eq");
        self.text == other.text
    }
}

/// Runs `f` in a context with a meddler, and returns which of a meddler's methods were called first and last.
fn among_meddlers(f: impl FnOnce(&Census)) -> Vec<&'static str> {
    MEDDLED.with_borrow_mut(Vec::clear);
    MEDDLING.set(false);
    let census = Census::new();
    let mut ctx = Context::new().with(&NUMBER, 10).with(&MEDDLER, Meddler::new(&census, "the first"));
    ctx.run(|| {
        f(&census);
        assert_eq!(NUMBER.get(), 10, "what meddlers set, they reset");
    });
    drop(ctx);
    assert_eq!(census.alive(), 0);
    // What the last ones set in the thread's base context is to go quietly.
    MEDDLING.set(true);
    MEDDLED.take()
}

#[test]
fn a_clone_may_replace_the_value_that_is_being_cloned() {
    let methods = among_meddlers(|_| {
        let cloned = MEDDLER.get();
        assert_eq!(cloned.text, "the first, cloned");
        assert_eq!(MEDDLER.with(|it| it.text.clone()), "set while meddling and reading");
        assert_eq!(MEDDLER.try_get().unwrap().text, "set while meddling and reading, cloned");
        assert_eq!(MEDDLER.get_or_else(|| unreachable!("it is set")).text, "set while meddling and reading, cloned");
    });
    assert!(methods.starts_with(&["clone"]) && methods.contains(&"drop"));
}

#[test]
fn a_drop_may_set_the_variable_whose_value_is_dropped() {
    let methods = among_meddlers(|census| {
        drop(MEDDLER.set(Meddler::new(census, "the second")));
        // What the first one's drop set came after.
        assert_eq!(MEDDLER.with(|it| it.text.clone()), "set while meddling and reading");
    });
    assert!(methods.starts_with(&["drop"]));
}

#[test]
fn a_drop_may_undo_the_reset_that_caused_it() {
    among_meddlers(|census| {
        let token = MEDDLER.set(Meddler::new(census, "the second"));
        MEDDLER.reset(token).unwrap();
        assert_eq!(MEDDLER.with(|it| it.text.clone()), "set while meddling and reading");
        let guard = MEDDLER.set_scoped(Meddler::new(census, "the third"));
        drop(guard);
        assert_eq!(MEDDLER.with(|it| it.text.clone()), "set while meddling and reading");
    });
}

#[test]
fn debug_and_comparison_may_change_the_current_context() {
    let methods = among_meddlers(|census| {
        let (ctx, equal) = (copy_context(), copy_context().with(&MEDDLER, Meddler::new(census, "the first")));
        assert!(format!("{ctx:?}").ends_with("MEDDLER: the first}"));
        assert_eq!(ctx, equal);
        let shared = SharedContext::from(ctx);
        assert!(shared.run(|| format!("{:?}", copy_context())).unwrap().contains("the first"));
        assert!(format!("{shared:?}").contains("set while meddling and reading"));
    });
    assert!(methods.contains(&"debug") && methods.contains(&"eq"));
}

#[test]
fn display_and_serialize_may_change_the_current_context() {
    let methods = among_meddlers(|_| {
        let ctx = copy_context();
        let displayed: Vec<_> = ctx.values().map(|value| value.to_string()).collect();
        assert_eq!(displayed, ["10", "the first"]);
        assert_eq!(serde_json::to_value(&ctx).unwrap(), serde_json::json!({"NUMBER": 10, "MEDDLER": "the first"}));
        let current = copy_context();
        let change = current.diff(&ctx);
        assert!(format!("{change:?}").contains("the first"));
        let first = change.iter().next().and_then(contextvars::Change::after).expect("the meddler has changed");
        assert_eq!(first.to_string(), "the first");
        assert_eq!(MEDDLER.with(|it| it.text.clone()), "set while meddling and reading");
    });
    assert!(methods.contains(&"display") && methods.contains(&"serialize"));
}

#[test]
fn values_may_meddle_while_they_are_written_for_other_processes_and_read_from_them() {
    let methods = among_meddlers(|census| {
        with_context!(TRAVELLER = Meddler::new(census, "far away"), {
            let (baggage, skipped) = Baggage::current();
            assert_eq!((baggage.to_string().as_str(), skipped.len()), ("traveller=far%20away", 0));
            let (received, skipped) = baggage.apply(copy_context());
            assert_eq!((received[&TRAVELLER].text.as_str(), skipped.len()), ("far away", 0));
            let headers = vec![("baggage".to_owned(), "traveller=nearby".to_owned())];
            let (received, skipped) = baggage::extract(&headers, received);
            assert_eq!((received[&TRAVELLER].text.as_str(), skipped.len()), ("nearby", 0));
        });
    });
    assert!(methods.contains(&"display") && methods.contains(&"from_str"));
}

#[test]
fn values_may_meddle_when_their_context_goes() {
    among_meddlers(|census| {
        let doomed = || Context::new().with(&MEDDLER, Meddler::new(census, "a")).with(&NUMBER, 3);
        drop(doomed());
        drop(doomed().with(&MEDDLER, Meddler::new(census, "b")));
        drop(doomed().with(&PRIVATE_MEDDLER, Meddler::new(census, "c")).run(inherit_context));
        drop(async {}.in_context(doomed()));
        drop(doomed().wrap(|| ()));
        drop(SharedContext::from(doomed()));
        with_context!(MEDDLER = Meddler::new(census, "d"), PRIVATE_MEDDLER = Meddler::new(census, "e"), {
            drop(MEDDLER.set(Meddler::new(census, "f")));
        });
    });
}

#[test]
fn values_may_meddle_while_readers_hold_them() {
    among_meddlers(|census| {
        MEDDLER.with(|first| {
            drop(MEDDLER.set(Meddler::new(census, "the second")));
            MEDDLER.with(|second| {
                let third = MEDDLER.get();
                drop(MEDDLER.set(Meddler::new(census, "the fourth")));
                assert_eq!(third.text, "the second, cloned");
                assert_eq!((first.text.as_str(), second.text.as_str()), ("the first", "the second"));
            });
            assert_eq!(first.text, "the first");
        });
    });
}

#[test]
fn values_may_meddle_when_changes_come_back_from_another_thread() {
    let methods = among_meddlers(|census| {
        let work = round_trip(|| drop(MEDDLER.set(Meddler::new(census, "from elsewhere"))));
        let returned = thread::scope(|scope| scope.spawn(work).join().unwrap());
        MEDDLER.with(|read| {
            returned.take_back();
            assert_eq!(
                (read.text.as_str(), MEDDLER.with(|it| it.text.clone())),
                ("the first", "from elsewhere".to_owned())
            );
        });
        assert_eq!(MEDDLER.with(|it| it.text.clone()), "set while meddling and reading");
    });
    assert!(methods.starts_with(&["drop"]));
}

/// Sets its own variable again when it is dropped, a number of times.
struct Phoenix(u32);

#[context_var]
static PHOENIX: Phoenix;

impl Drop for Phoenix {
    fn drop(&mut self) {
        if let Some(left) = self.0.checked_sub(1) {
            drop(PHOENIX.set(Phoenix(left)));
        }
    }
}

#[test]
fn a_value_may_come_back_from_its_own_drop_again_and_again() {
    const TIMES: u32 = if cfg!(miri) { 50 } else { 1000 };
    isolated(|| {
        drop(PHOENIX.set(Phoenix(TIMES)));
        for _ in 0..TIMES {
            let token = PHOENIX.set(Phoenix(0));
            drop(token);
        }
        drop(PHOENIX.set(Phoenix(TIMES / 2)));
        // Each new one replaces the one before, which sets another.
        let _ = PHOENIX.set_scoped(Phoenix(0));
        assert!(PHOENIX.is_set());
    });
}

#[test]
fn a_set_inside_with_inside_run_inside_with() {
    isolated(|| {
        let outer = NAME.set("outer".to_owned());
        let seen = NAME.with(|in_outer| {
            let mut ctx = copy_context();
            ctx.run(|| {
                NAME.with(|in_run| {
                    let token = NAME.set("inner".to_owned());
                    let in_both = NAME.with(|in_set| format!("{in_outer} {in_run} {in_set}"));
                    NAME.reset(token).unwrap();
                    drop(NAME.set("last".to_owned()));
                    format!("{in_both} {in_run}")
                })
            }) + &format!(" {in_outer} {} {}", NAME.get(), ctx[&NAME])
        });
        assert_eq!(seen, "outer outer inner outer outer outer last");
        NAME.reset(outer).unwrap();
    });
}

#[test]
fn what_a_reader_reads_outlives_every_owner_it_had() {
    let census = Census::new();
    on_a_thread({
        let census = census.clone();
        move || {
            // Replaced, the token dropped.
            drop(COUNTED.set(census.citizen()));
            COUNTED.with(|_| {
                drop(COUNTED.set(census.citizen()));
                assert_eq!(census.alive(), 2);
            });
            assert_eq!(census.alive(), 1);
            // Removed by a reset, and by the end of a guard.
            let mut ctx = Context::new();
            ctx.run(|| {
                let token = COUNTED.set(census.citizen());
                COUNTED.with(|_| {
                    COUNTED.reset(token).unwrap();
                    assert_eq!((census.alive(), COUNTED.is_set()), (2, false));
                });
                let guard = COUNTED.set_scoped(census.citizen());
                COUNTED.with(|_| {
                    drop(guard);
                    assert_eq!((census.alive(), COUNTED.is_set()), (2, false));
                });
            });
            assert_eq!(census.alive(), 1);
            // Within a scope that ends by `break`.
            'scope: {
                with_context!(COUNTED = census.citizen(), {
                    COUNTED.with(|_| drop(COUNTED.set(census.citizen())));
                    break 'scope;
                });
            }
            assert_eq!(census.alive(), 1);
        }
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn futures_may_be_polled_and_dropped_inside_readers() {
    isolated(|| {
        drop(NAME.set("outer".to_owned()));
        NAME.with(|outer| {
            let mut future = Box::pin(
                async {
                    drop(NAME.set("of the future".to_owned()));
                    yielding().await;
                    NAME.with(|name| {
                        drop(NAME.set("replaced".to_owned()));
                        name.clone()
                    })
                }
                .in_current_context(),
            );
            assert!(poll(future.as_mut()).is_pending());
            drop(NAME.set("replaced".to_owned()));
            let mut other = pin!(async { NAME.with(String::clone) }.in_current_context());
            assert_eq!(poll(other.as_mut()), std::task::Poll::Ready("replaced".to_owned()));
            NAME.with(|_| drop(future));
            assert_eq!(outer, "outer");
        });
    });
}
