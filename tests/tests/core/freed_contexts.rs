//! Values that a context is the last to hold are freed in an empty context: values that destructors set then are not
//! seen, on any thread on which a context ends.

use std::thread;

use contextvars::{
    Context, ContextExt, SharedContext, context_var, copy_context, inherit_context, round_trip, tokio, with_context,
};
use tokio::runtime::{Builder, Runtime};

use crate::support::{on_a_thread, panic_of, poll, yielding};

#[context_var]
static LEFT_BEHIND: u32;

#[context_var]
static SETS: SetsOnDrop;

/// Sets a variable when it is dropped, wherever that is.
struct SetsOnDrop;

impl Drop for SetsOnDrop {
    fn drop(&mut self) {
        drop(LEFT_BEHIND.set(1));
    }
}

fn holding() -> Context {
    Context::new().with(&SETS, SetsOnDrop)
}

/// Does the work on a thread of its own, whose base context must then be empty.
fn leaves_nothing(work: impl FnOnce() + Send + 'static) {
    on_a_thread(|| {
        work();
        assert!(copy_context().is_empty(), "{:?} is left", copy_context());
    });
}

#[test]
fn a_future_leaves_nothing_wherever_it_is_dropped() {
    leaves_nothing(|| pollster::block_on(async {}.in_context(holding())));
    leaves_nothing(|| pollster::block_on(async { drop(SETS.set(SetsOnDrop)) }.in_context(Context::new())));
    leaves_nothing(|| drop(async {}.in_context(holding())));
    leaves_nothing(|| {
        let mut halfway = Box::pin(yielding().in_context(holding()));
        assert!(poll(halfway.as_mut()).is_pending());
        drop(halfway);
    });
    leaves_nothing(|| {
        let panics = async { panic!("the future's") }.in_context(holding());
        assert_eq!(panic_of(|| pollster::block_on(panics)).message, "the future's");
    });
}

/// Sets a value that sets another variable when it is dropped, when it is dropped.
struct SetsOneThatSets;

impl Drop for SetsOneThatSets {
    fn drop(&mut self) {
        drop(SETS.set(SetsOnDrop));
    }
}

#[context_var]
static SETS_ONE_THAT_SETS: SetsOneThatSets;

/// Sets itself anew whenever it is dropped.
struct Immortal;

impl Drop for Immortal {
    fn drop(&mut self) {
        drop(IMMORTAL.set(Immortal));
    }
}

#[context_var]
static IMMORTAL: Immortal;

#[test]
fn what_destructors_set_is_freed_in_the_same_way_until_nothing_is_left() {
    leaves_nothing(|| drop(async {}.in_context(Context::new().with(&SETS_ONE_THAT_SETS, SetsOneThatSets))));
    let runtime = runtime();
    let set = || drop(SETS_ONE_THAT_SETS.set(SetsOneThatSets));
    runtime.block_on(async move {
        tokio::spawn(async move { set() }).await.expect("the task ended well");
        tokio::task::spawn_blocking(set).await.expect("the function ended well");
    });
}

#[test]
fn values_that_set_themselves_anew_for_ever_are_given_up_and_leave_nothing() {
    leaves_nothing(|| drop(async {}.in_context(Context::new().with(&IMMORTAL, Immortal))));
}

#[test]
fn a_context_of_ones_own_leaves_nothing_where_it_is_dropped() {
    leaves_nothing(|| drop(holding()));
    leaves_nothing(|| drop(holding().clone()));
    leaves_nothing(|| drop(((), holding()).1.run(copy_context)));
    leaves_nothing(|| drop(().in_context(holding()).into_parts()));
    leaves_nothing(|| drop(SharedContext::from(holding())));
    leaves_nothing(|| {
        let mut inherited = with_context!(SETS = SetsOnDrop, { inherit_context() });
        inherited.run(|| assert!(SETS.is_set()));
    });
}

#[test]
fn a_value_that_is_held_outside_of_its_context_leaves_nothing_where_it_goes() {
    // A token, dropped elsewhere than where it was made: outside, in a job, or with an error.
    leaves_nothing(|| drop(holding().run(|| SETS.set(SetsOnDrop))));
    let token = holding().run(|| SETS.set(SetsOnDrop));
    leaves_nothing(move || drop(token));
    leaves_nothing(|| drop(SETS.reset(holding().run(|| SETS.set(SetsOnDrop)))));
    // One that a context loses without being entered.
    leaves_nothing(|| drop(holding().with(&SETS, SetsOnDrop)));
    // One of a scope, of a future that is run, or is not, or is dropped halfway.
    leaves_nothing(|| SETS.sync_scope(SetsOnDrop, || ()));
    leaves_nothing(|| drop(SETS.scope(SetsOnDrop, async {})));
    leaves_nothing(|| pollster::block_on(SETS.scope(SetsOnDrop, async {})));
    leaves_nothing(|| {
        let mut halfway = Box::pin(SETS.scope(SetsOnDrop, yielding()));
        assert!(poll(halfway.as_mut()).is_pending());
        drop(halfway);
    });
    leaves_nothing(|| with_context!(SETS = SetsOnDrop, { assert!(SETS.is_set()) }));
}

#[test]
fn a_context_that_ends_within_another_leaves_nothing_there() {
    leaves_nothing(|| {
        Context::new().run(|| {
            drop(holding());
            assert!(!LEFT_BEHIND.is_set());
        });
    });
}

#[test]
fn a_job_of_any_pool_leaves_nothing_on_its_worker() {
    leaves_nothing(|| {
        let mut context = holding();
        let mut job = move || context.run(|| drop(SETS.set(SetsOnDrop)));
        job();
    });
    leaves_nothing(|| holding().wrap_once(|| drop(SETS.set(SetsOnDrop)))());
    // Never run, and dropped with what it has captured, which sets as well.
    let captured = SetsOnDrop;
    leaves_nothing(|| drop(holding().wrap_once(move || drop(captured))));
    let captured = SetsOnDrop;
    leaves_nothing(|| drop(holding().wrap(move || assert!(matches!(captured, SetsOnDrop)))));
}

#[test]
fn functions_that_run_in_copies_leave_nothing() {
    leaves_nothing(|| Context::new().wrap(|| drop(SETS.set(SetsOnDrop)))());
    leaves_nothing(|| Context::new().wrap_fn(|()| drop(SETS.set(SetsOnDrop)))(()));
    leaves_nothing(|| drop(holding().wrap(|| ())));
    leaves_nothing(|| drop(holding().wrap_fn(|()| ())));
}

#[test]
fn a_round_trip_that_is_given_up_leaves_nothing() {
    leaves_nothing(|| drop(round_trip(|| drop(SETS.set(SetsOnDrop)))()));
    leaves_nothing(|| {
        let work = with_context!(SETS = SetsOnDrop, { round_trip(|| ()) });
        drop(thread::spawn(work).join().expect("no panic"));
    });
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).build().expect("a runtime")
}

#[test]
fn tasks_end_well_though_their_values_set_variables_when_they_are_freed() {
    let runtime = runtime();
    runtime.block_on(async {
        let set = || drop(SETS.set(SetsOnDrop));
        tokio::spawn(async move { set() }).await.expect("the task ended well");
        tokio::task::spawn_blocking(set).await.expect("the function ended well");
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async move { set() });
        tasks.join_next().await.expect("there is one").expect("the task ended well");
        let given_up = tokio::spawn(async move {
            set();
            std::future::pending::<()>().await;
        });
        tokio::task::yield_now().await;
        given_up.abort();
        assert!(given_up.await.expect_err("it was aborted").is_cancelled());
        let left = ::tokio::spawn(async { copy_context().is_empty() }).await;
        assert!(left.expect("no panic"), "the worker's base context is empty");
    });
}

#[test]
fn parallel_iterators_leave_nothing_on_the_thread_that_waits_for_them_or_drops_them() {
    use contextvars::rayon::prelude::*;

    let items = || (0..10).into_par_iter().with_context(holding());
    leaves_nothing(move || items().for_each(|_| ()));
    leaves_nothing(move || drop(items().map(|n| n + 1)));
    leaves_nothing(move || drop(items().zip(0..10).collect::<Vec<_>>()));
}

#[test]
fn jobs_of_others_leave_nothing_on_a_worker_that_waits() {
    let pool = ::rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let seen = pool.install(|| {
        Context::new().run(|| {
            contextvars::rayon::scope(|_| ::rayon::spawn(|| drop(SETS.set(SetsOnDrop))));
            while contextvars::rayon::yield_now() == Some(::rayon::Yield::Executed) {}
            copy_context().len()
        })
    });
    assert_eq!(seen, 0);
}

#[test]
fn jobs_of_rayon_leave_nothing_on_their_workers() {
    let pool = contextvars::rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool");
    let set = || drop(SETS.set(SetsOnDrop));
    pool.install(|| {
        contextvars::rayon::join(set, set);
        contextvars::rayon::join_context(|_| set(), |_| set());
        contextvars::rayon::broadcast(|_| set());
        contextvars::rayon::scope(|scope| {
            scope.spawn(move |_| set());
            scope.spawn_broadcast(move |_, _| set());
        });
        contextvars::rayon::scope_fifo(|scope| {
            scope.spawn_fifo(move |_| set());
            scope.spawn_broadcast(move |_, _| set());
        });
    });
    pool.broadcast(|_| set());
    let plain: &::rayon::ThreadPool = &pool;
    assert!(plain.broadcast(|_| copy_context().is_empty()).into_iter().all(|empty| empty));
}
