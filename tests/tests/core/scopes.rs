//! `with_context!`: what its body sees, what gets out of it, and what becomes of values and temporaries.

use std::cell::RefCell;
use std::fmt::Display;

use contextvars::{context_var, copy_context, with_context};

use crate::support::{isolated, panic_of};

#[context_var(default = 0)]
static NUMBER: u32;

#[context_var]
static NAME: String;

mod elsewhere {
    #[contextvars::context_var(default = 0)]
    pub(crate) static DEEP: u32;

    pub(crate) fn from_another_module() {
        contextvars::with_context!(super::NUMBER = 8, DEEP = 9, {
            assert_eq!(super::NUMBER.get() + DEEP.get(), 17);
        });
    }
}

#[test]
fn the_body_sees_the_bindings_and_its_result_is_the_call_s() {
    let line = with_context!(NUMBER = 7, NAME = "ada".to_owned(), { format!("{} {}", NAME.get(), NUMBER.get()) });
    assert_eq!(line, "ada 7");
    assert!(!NUMBER.is_set() && !NAME.is_set());
}

#[test]
fn the_angle_spelling_is_the_same() {
    let line = with_context!(<NUMBER = 7, NAME = "ada".to_owned()> { format!("{} {}", NAME.get(), NUMBER.get()) });
    assert_eq!(line, "ada 7");
    assert_eq!(with_context!(<NUMBER = 7,> { NUMBER.get() }), 7);
    assert_eq!(with_context!(<NUMBER = (1 < 2).into()> { NUMBER.get() }), 1);
    assert_eq!(with_context!(<NUMBER = "7".parse::<u32>().unwrap()> { NUMBER.get() }), 7);
    assert_eq!(with_context! {<NUMBER = 1> { NUMBER.get() }}, 1);
}

#[test]
fn trailing_commas_brackets_and_braces_are_fine() {
    assert_eq!(with_context!(NUMBER = 1, { NUMBER.get() },), 1);
    assert_eq!(with_context![NUMBER = 2, { NUMBER.get() }], 2);
    assert_eq!(with_context! { NUMBER = 3, { NUMBER.get() } }, 3);
}

#[test]
fn without_bindings_the_body_still_runs_in_a_copy() {
    isolated(|| {
        NUMBER.set(1);
        let seen = with_context!({
            NUMBER.set(NUMBER.get() + 1);
            NUMBER.get()
        });
        assert_eq!((seen, NUMBER.get()), (2, 1));
        with_context!(<> { NUMBER.set(5) });
        assert_eq!(NUMBER.get(), 1);
    });
}

#[test]
fn scopes_nest() {
    with_context!(NUMBER = 1, {
        let inner = with_context!(NUMBER = NUMBER.get() + 1, NAME = "inner".to_owned(), {
            with_context!(NUMBER = NUMBER.get() * 10, { (NUMBER.get(), NAME.get()) })
        });
        assert_eq!(inner, (20, "inner".to_owned()));
        assert_eq!((NUMBER.get(), NAME.is_set()), (1, false));
    });
    assert!(copy_context().is_empty());
}

#[test]
fn values_are_evaluated_from_left_to_right_outside_before_the_body() {
    let events = RefCell::new(Vec::new());
    let event = |what: &'static str| {
        events.borrow_mut().push((what, NUMBER.get(), NAME.is_set()));
        what
    };
    isolated(|| {
        NUMBER.set(1);
        with_context!(
            NUMBER = { u32::try_from(event("first").len()).unwrap() },
            NAME = event("second").to_owned(),
            elsewhere::DEEP = { u32::try_from(event("third").len()).unwrap() },
            {
                event("body");
                assert_eq!((NUMBER.get(), NAME.get().as_str(), elsewhere::DEEP.get()), (5, "second", 5));
            }
        );
    });
    let expected = [("first", 1, false), ("second", 1, false), ("third", 1, false), ("body", 5, true)];
    assert_eq!(*events.borrow(), expected);
}

/// Notes when it is dropped, and what `NUMBER` was then.
struct Noted<'a> {
    log: &'a RefCell<Vec<(&'static str, u32)>>,
    name: &'static str,
    three: u32,
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.log.borrow_mut().push((self.name, NUMBER.get()));
    }
}

#[test]
fn temporaries_of_a_value_are_dropped_outside_before_the_body() {
    let log = RefCell::new(Vec::new());
    let noted = |name| Noted { log: &log, name, three: 3 };
    with_context!(NUMBER = noted("value").three, elsewhere::DEEP = { noted("block").three }, {
        log.borrow_mut().push(("body", NUMBER.get()));
    });
    assert_eq!(*log.borrow(), [("value", 0), ("block", 0), ("body", 3)]);
}

#[test]
fn temporaries_and_variables_of_the_body_are_dropped_inside() {
    let log = RefCell::new(Vec::new());
    let noted = |name| Noted { log: &log, name, three: 3 };
    let result = with_context!(NUMBER = 7, {
        let _first = noted("first variable");
        let _second = noted("second variable");
        assert_eq!(noted("statement").three, 3);
        noted("tail").three
    });
    assert_eq!(result, 3);
    // This edition drops a tail's temporaries before the block's variables.
    let expected = [("statement", 7), ("tail", 7), ("second variable", 7), ("first variable", 7)];
    assert_eq!(*log.borrow(), expected);
}

#[test]
fn question_mark_and_return_leave_the_function() {
    fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
        with_context!(NUMBER = text.parse()?, {
            let doubled = NUMBER.get() + text.parse::<u32>()?;
            if doubled > 100 {
                return Ok(100);
            }
            Ok(doubled)
        })
    }
    fn fails_inside() -> Option<u32> {
        with_context!(NUMBER = 1, {
            NUMBER.set(2);
            None?
        })
    }
    assert_eq!((parse("4"), parse("400"), parse("x").is_err(), fails_inside()), (Ok(8), Ok(100), true, None));
    assert!(!NUMBER.is_set());
}

#[test]
fn break_and_continue_reach_loops_outside() {
    isolated(|| {
        let mut visited = Vec::new();
        let found = 'search: loop {
            for n in 0.. {
                with_context!(NUMBER = n, {
                    if n % 2 == 0 {
                        continue;
                    }
                    visited.push(NUMBER.get());
                    if n == 5 {
                        break 'search NUMBER.get();
                    }
                });
                assert!(!NUMBER.is_set());
            }
        };
        assert_eq!((found, visited), (5, vec![1, 3, 5]));
        let block = 'block: {
            with_context!(NUMBER = 9, { break 'block NUMBER.get() });
        };
        assert_eq!(block, 9);
        assert!(!NUMBER.is_set());
    });
}

#[test]
fn a_body_that_never_ends_has_any_type() {
    fn diverges() -> u32 {
        let _: String = with_context!(NUMBER = 6, { return NUMBER.get() });
    }
    fn never() -> ! {
        with_context!(NUMBER = 7, { panic!("number {}", NUMBER.get()) })
    }
    assert_eq!(diverges(), 6);
    assert_eq!(panic_of(|| never()).message, "number 7");
    assert!(!NUMBER.is_set());
}

#[test]
fn the_expected_type_reaches_the_body() {
    fn numbers() -> impl Iterator<Item = u32> {
        with_context!(NUMBER = 3, { 0..NUMBER.get() })
    }
    let boxed: Box<dyn Display> = with_context!(NUMBER = 1, { Box::new(NUMBER.get()) });
    assert_eq!(boxed.to_string(), "1");
    let function: fn(u32) -> u32 = with_context!(NUMBER = 1, { |n| n + 1 });
    assert_eq!(function(1), 2);
    assert_eq!(numbers().sum::<u32>(), 3);
    let parsed: u8 = with_context!({ "8".parse().unwrap() });
    let slice: &[u8] = with_context!({ &[1, 2] });
    assert_eq!((parsed, slice), (8, &[1, 2][..]));
}

#[test]
fn the_body_borrows_moves_and_initialises_what_is_outside() {
    let mut list = vec![1];
    let owned = "moved".to_owned();
    let later;
    let borrowed = with_context!(NUMBER = 2, {
        list.push(NUMBER.get());
        later = owned;
        &mut list
    });
    borrowed.push(3);
    assert_eq!((list, later.as_str()), (vec![1, 2, 3], "moved"));
}

#[test]
fn variables_named_like_ours_are_the_user_s() {
    let (ctx, guard, var0, value0) = (1, 5, 3, 4);
    let sum = with_context!(NUMBER = ctx + var0, elsewhere::DEEP = value0, {
        let context = 10;
        NUMBER.get() + elsewhere::DEEP.get() + ctx + var0 + value0 + guard + context
    });
    assert_eq!(sum, 31);
}

/// A macro's hygiene and fragments pass through `with_context!`.
macro_rules! scoped {
    ($var:path, $value:expr, $body:block) => {
        with_context!($var = $value, $body)
    };
    (angle $var:path, $value:expr, $body:block) => {
        with_context!(<$var = $value> $body)
    };
}

#[test]
fn it_works_through_other_macros() {
    let local = 20;
    assert_eq!(scoped!(NUMBER, local + 1, { NUMBER.get() + local }), 41);
    assert_eq!(scoped!(angle elsewhere::DEEP, local + 1, { elsewhere::DEEP.get() + local }), 41);
}

#[test]
fn values_may_be_any_expression() {
    let flag = true;
    let sum = |a: u32, b: u32| a + b;
    with_context!(NUMBER = if flag { 1 } else { 2 }, { assert_eq!(NUMBER.get(), 1) });
    with_context!(NUMBER = sum(1, 2), { assert_eq!(NUMBER.get(), 3) });
    with_context!(NUMBER = (|a: u32, b: u32| a * b)(3, 4), { assert_eq!(NUMBER.get(), 12) });
    with_context!(
        NUMBER = match flag {
            true => 5,
            false => 6,
        },
        { assert_eq!(NUMBER.get(), 5) }
    );
    with_context!(NAME = Vec::<(u8, u8)>::new().len().to_string(), { assert_eq!(NAME.get(), "0") });
    with_context!(NUMBER = <u32 as Default>::default(), NAME = String::new(), { assert_eq!(NUMBER.get(), 0) });
    with_context!(<NUMBER = if (1 > 0) { 1 } else { 2 }> { assert_eq!(NUMBER.get(), 1) });
    elsewhere::from_another_module();
}

#[test]
fn a_value_s_type_is_the_variable_s() {
    // Coerced and inferred as an argument of `set` would be.
    with_context!(BOXED = Box::new(|n| n + 1), { BOXED.with(|f| assert_eq!(f(1), 2)) });
    with_context!(NUMBER = "5".parse().unwrap(), NAME = "x".into(), { assert_eq!(NUMBER.get(), 5) });
}

#[context_var]
static BOXED: Box<dyn Fn(u32) -> u32 + Send + Sync>;
