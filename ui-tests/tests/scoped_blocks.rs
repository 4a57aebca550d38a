//! What works in a `with_context!` body as in any block, and that no lint has anything to say about it.
//!
//! The 2021 edition compiles this file as well (`ui-tests/edition-2021`).

#![forbid(unsafe_code)]
#![deny(warnings, unused, deprecated, unused_qualifications)]
#![deny(clippy::all, clippy::pedantic)]

use std::cell::RefCell;
use std::fmt::Display;
use std::future::ready;
// In the prelude since the 2024 edition.
#[allow(unused_imports, reason = "the 2021 edition needs it")]
use std::future::Future;
use std::pin::pin;
use std::task::{Poll, Waker};

use contextvars::{context_var, with_context};

#[context_var(default = 0)]
static A: i32;
#[context_var(default = String::new())]
static B: String;
#[context_var(default = false)]
static FLAG: bool;

mod settings {
    #[contextvars::context_var(default)]
    pub(crate) static LIST: Vec<u8>;
}

/// Polls until the future is ready.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = std::task::Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

#[test]
fn a_body_leaves_by_return_and_question_mark() {
    fn positive(value: i32) -> Result<i32, String> {
        let next = with_context!(A = value, {
            if A.get() > 10 {
                return Ok(A.get());
            }
            u32::try_from(A.get()).map_err(|_| format!("{} is negative", A.get()))?;
            A.get() + 1
        });
        Ok(next)
    }
    assert_eq!(positive(1), Ok(2));
    assert_eq!(positive(11), Ok(11));
    assert_eq!(positive(-1), Err("-1 is negative".to_owned()));
    assert_eq!(A.get(), 0);
}

#[test]
fn a_body_leaves_by_break_and_continue() {
    let mut seen = Vec::new();
    let found = 'outer: loop {
        for i in 0..10 {
            with_context!(A = i, {
                if A.get() % 2 == 0 {
                    continue;
                }
                seen.push(A.get());
                if A.get() == 5 {
                    break 'outer A.get();
                }
            });
        }
    };
    assert_eq!((found, seen, A.get()), (5, vec![1, 3, 5], 0));
}

#[test]
fn a_body_may_never_return() {
    #[expect(clippy::needless_return, reason = "a body that never returns")]
    fn negative() -> i32 {
        with_context!(A = -1, { return A.get() })
    }
    fn fail() -> ! {
        with_context!(A = 1, { panic!("{}", A.get()) })
    }
    assert_eq!(negative(), -1);
    assert!(std::panic::catch_unwind(|| fail()).is_err());
    assert_eq!(A.get(), 0);
}

#[test]
fn a_body_may_be_empty_or_of_any_type() {
    fn describe() -> impl Display {
        with_context!(A = 1, { A.get() })
    }
    with_context!(A = 1, {});
    with_context!({});
    with_context!(<> {});
    let boxed: Box<dyn Fn() -> i32> = with_context!(A = 1, {
        let value = A.get();
        Box::new(move || value)
    });
    let slice: &[i32] = with_context!(A = 1, { &[1, 2] });
    assert_eq!((boxed(), slice, describe().to_string()), (1, &[1, 2][..], "1".to_owned()));
}

#[test]
fn a_body_uses_what_is_around_it() {
    let moved = String::from("moved");
    let mut counter = 0;
    let later;
    let count = &mut counter;
    let longest = with_context!(A = 1, {
        *count += A.get();
        later = moved;
        count
    });
    *longest += 1;
    assert_eq!((counter, later.as_str()), (2, "moved"));
}

#[test]
#[expect(clippy::used_underscore_binding, reason = "the expansion has one of this name")]
fn names_of_the_expansion_are_out_of_reach() {
    let (ctx, binding0, _guard) = (1, 2, 3);
    assert_eq!(with_context!(A = ctx, B = binding0.to_string(), { A.get() + ctx + binding0 + _guard }), 7);
}

#[test]
fn values_are_evaluated_in_order_and_outside() {
    let order = RefCell::new(Vec::new());
    let log = |value: i32| {
        order.borrow_mut().push((value, A.get()));
        value
    };
    with_context!(A = log(1), settings::LIST = vec![log(2).try_into().unwrap_or(0)], B = log(3).to_string(), {
        assert_eq!((A.get(), settings::LIST.get(), B.get()), (1, vec![2], "3".to_owned()));
        log(4);
    });
    assert_eq!(*order.borrow(), [(1, 0), (2, 0), (3, 0), (4, 1)]);
}

/// Tells in which context it was dropped.
struct Witness<'a>(&'a RefCell<Vec<i32>>);

impl Witness<'_> {
    fn value(&self) -> i32 {
        i32::try_from(self.0.borrow().len()).unwrap_or(0)
    }
}

impl Drop for Witness<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().push(A.get());
    }
}

#[test]
fn temporaries_of_values_are_dropped_outside_and_of_the_body_inside() {
    let dropped = RefCell::new(Vec::new());
    with_context!(A = Witness(&dropped).value() + 1, { assert_eq!(*dropped.borrow(), [0]) });
    dropped.borrow_mut().clear();
    let value = with_context!(A = 7, { Witness(&dropped).value() });
    assert_eq!((value, dropped.borrow().as_slice()), (0, &[7][..]));
    dropped.borrow_mut().clear();
    let matched = match with_context!(A = 8, { Witness(&dropped).value() }) {
        0 => dropped.borrow().clone(),
        _ => Vec::new(),
    };
    assert_eq!(matched, [8]);
}

#[test]
fn values_may_be_any_expression() {
    let pair = |a: i32, b: i32| a + b;
    with_context!(A = (1), B = { "b".to_owned() }, FLAG = 1 < 2, { assert_eq!((A.get(), FLAG.get()), (1, true)) });
    with_context!(A = [1, 2].into_iter().fold(0, |a, b| a + b), FLAG = pair(1, 1) == 2 || A.get() == 1, {
        assert_eq!(A.get(), 3)
    });
    with_context!(A = pair(1, 2), settings::LIST = Vec::<u8>::new(), B = <String as From<&str>>::from("x"), {
        assert_eq!(B.get(), "x");
    });
    with_context!(A = -1, B = if A.get() == 0 { "zero" } else { "more" }.to_owned(), { assert_eq!(B.get(), "zero") });
    with_context!(<A = (8 >> 2), FLAG = (1 > 2), settings::LIST = Vec::<u8>::with_capacity(2),> {
        assert_eq!((A.get(), FLAG.get()), (2, false));
    });
    with_context!(<B = <String as From<&str>>::from("x"), A = (|a: i32| -> i32 { a })(3)> { assert_eq!(A.get(), 3) });
}

#[test]
fn a_call_stands_wherever_an_expression_does() {
    if with_context!(FLAG = true, { FLAG.get() }) {
        assert_eq!(1 + with_context!(A = 1, { A.get() }) * 2, 3);
    }
    let nested = with_context!(A = with_context!(A = 1, { A.get() + 1 }), { with_context!(<FLAG = true> { A.get() }) });
    assert_eq!(nested, 2);
    with_context! { A = 1, { assert_eq!(A.get(), 1) } }
    with_context![A = 1, { assert_eq!(A.get(), 1) }];
}

macro_rules! scoped {
    ($var:path, $value:expr, $body:block) => {
        with_context!($var = $value, $body)
    };
    ($var:ident is $value:expr; $body:expr) => {
        with_context!(<$var = $value> $body)
    };
}

#[test]
fn a_call_may_come_from_a_macro() {
    assert_eq!(scoped!(A, 1 + 1, { A.get() }), 2);
    assert_eq!(scoped!(settings::LIST, vec![1], { settings::LIST.get() }), [1]);
    assert_eq!(scoped!(A is 3; { A.get() }), 3);
    assert_eq!(block_on(scoped!(A is 4; async { A.get() })), 4);
}

#[test]
fn a_future_runs_in_its_context() {
    async fn add(value: i32) -> i32 {
        ready(A.get()).await + value
    }
    let outer = 1;
    let borrowed = with_context!(A = 1, async { add(outer).await });
    let owned = with_context!(<A = 2, B = "b".to_owned()> async move { format!("{}{}", add(outer).await, B.get()) });
    let result = with_context!(A = 3, async {
        u8::try_from(A.get())?;
        Ok::<_, std::num::TryFromIntError>(A.get())
    });
    assert_eq!(A.get(), 0);
    assert_eq!((block_on(borrowed), block_on(owned), block_on(result)), (2, "3b".to_owned(), Ok(3)));
    assert_eq!(block_on(with_context!(async { A.get() })), 0);
}

#[test]
fn a_body_may_make_futures_that_wait_elsewhere() {
    async fn one() -> i32 {
        ready(A.get()).await + 1
    }
    let future = with_context!(A = 1, {
        async fn inner() -> i32 {
            one().await
        }
        let value = A.get();
        async move { inner().await + value }
    });
    assert_eq!(block_on(future), 2);
}

#[test]
fn what_a_body_sets_stays_there() {
    with_context!(A = 1, {
        A.set(2);
        B.set("inside".to_owned());
        assert_eq!(A.get(), 2);
    });
    assert_eq!((A.get(), B.get()), (0, String::new()));
}

#[test]
fn an_async_body_may_be_nothing_but_an_await() {
    let seen = block_on(with_context!(A = 4, async { ready(A.get()).await }));
    assert_eq!(seen, 4);
    let future = ready(5);
    assert_eq!(block_on(with_context!(<A = 5> async move { future.await })), 5);
}
