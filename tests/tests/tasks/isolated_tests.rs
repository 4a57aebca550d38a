//! `#[contextvars::test]` gives each test, sync or async, a fresh context of its own.

#![deny(warnings, unused_qualifications, clippy::all, clippy::pedantic)]

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contextvars::{context_var, copy_context, tokio};

#[context_var]
static NAME: String;

#[context_var(default = 0)]
static COUNT: u32;

/// Runs whatever test harness function it is given twice in this thread's base context, in which `NAME` is set.
fn twice(test: fn()) {
    let name = NAME.set("the thread's".to_owned());
    test();
    test();
    assert_eq!(copy_context().len(), 1);
    NAME.reset(name).unwrap();
}

#[contextvars::test]
fn a_sync_test() {
    assert!(copy_context().is_empty());
    NAME.set("a test's".to_owned());
}

#[test]
fn a_sync_test_begins_with_nothing_and_leaves_nothing() {
    twice(a_sync_test);
}

#[contextvars::test]
async fn an_async_test() {
    assert!(copy_context().is_empty());
    NAME.set("a test's".to_owned());
    tokio::task::yield_now().await;
    assert_eq!(tokio::spawn(async { NAME.get() }).await.unwrap(), "a test's");
}

#[test]
fn an_async_test_begins_with_nothing_and_leaves_nothing() {
    twice(an_async_test);
}

#[contextvars::test(block_on = pollster::block_on)]
async fn a_test_on_another_executor() {
    assert!(copy_context().is_empty());
    assert!(tokio::runtime::Handle::try_current().is_err());
    NAME.set("a test's".to_owned());
}

#[test]
fn a_test_on_another_executor_begins_with_nothing_and_leaves_nothing() {
    twice(a_test_on_another_executor);
}

#[contextvars::test(block_on = |test| futures::FutureExt::now_or_never(test).ok_or("it waits")?)]
async fn a_closure_can_run_the_test() -> Result<(), &'static str> {
    COUNT.set(1);
    Ok(())
}

#[contextvars::test]
fn a_test_may_end_with_a_question_mark() -> Result<(), Box<dyn std::error::Error>> {
    let number: u32 = "7".parse()?;
    COUNT.set(number);
    Ok(())
}

#[contextvars::test]
async fn an_async_test_may_end_with_a_question_mark() -> Result<(), Box<dyn std::error::Error>> {
    let number: u32 = "7".parse()?;
    COUNT.set(number);
    tokio::spawn(async { assert_eq!(COUNT.get(), 7) }).await?;
    Ok(())
}

#[contextvars::test]
#[should_panic(expected = "no value for context variable `NAME`")]
fn a_test_can_be_one_that_should_panic() {
    NAME.get();
}

#[contextvars::test]
#[should_panic(expected = "no value for context variable `NAME`")]
async fn an_async_test_can_be_one_that_should_panic() {
    tokio::task::yield_now().await;
    NAME.get();
}

#[contextvars::test]
#[ignore = "it shows that a test can be left out"]
fn a_test_can_be_left_out() {
    unreachable!("`#[ignore]` holds");
}

#[contextvars::test]
#[cfg(any())]
fn a_test_can_be_compiled_away() {
    no_such_function();
}

#[contextvars::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_can_have_threads() {
    assert_eq!(tokio::runtime::Handle::current().runtime_flavor(), tokio::runtime::RuntimeFlavor::MultiThread);
    assert_eq!(tokio::runtime::Handle::current().metrics().num_workers(), 2);
    COUNT.set(1);
    assert_eq!(tokio::task::spawn_blocking(|| COUNT.get()).await.unwrap(), 1);
}

#[contextvars::test(flavor = "local")]
async fn a_test_can_have_tasks_that_are_not_send() {
    let shared = std::rc::Rc::new(COUNT.set(3));
    let task = tokio::task::spawn_local(async move { (shared.old_value().copied(), COUNT.get()) });
    assert_eq!(task.await.unwrap(), (None, 3));
}

#[contextvars::test(flavor = "current_thread", start_paused = true)]
async fn a_test_can_begin_with_the_clock_stopped() {
    const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let begin = tokio::time::Instant::now();
    tokio::time::sleep(A_DAY).await;
    assert!(begin.elapsed() >= A_DAY);
}

mod renamed {
    //! A crate that knows the library by another name.

    pub(super) use contextvars as context;
}

#[contextvars::test(crate = renamed::context)]
fn a_test_finds_the_crate_where_it_is_said_to_be() {
    assert!(copy_context().is_empty());
}

mod within {
    //! A test's body means what it would mean without the attribute.

    use contextvars::context_var;

    #[context_var(default = 5)]
    static HERE: u32;

    #[contextvars::test]
    fn a_body_sees_the_module_that_it_stands_in() {
        assert_eq!(HERE.get(), 5);
        assert_eq!(super::COUNT.get(), 0);
    }
}

/// In what order the two tests below come does not matter, nor on which threads: neither sees the other's value.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[contextvars::test]
fn one_of_two_tests_that_set_the_same_variable() {
    let _turn = turn();
    assert!(!COUNT.is_set());
    COUNT.set(1);
}

#[contextvars::test]
fn the_other_of_two_tests_that_set_the_same_variable() {
    let _turn = turn();
    assert!(!COUNT.is_set());
    COUNT.set(2);
}
