//! Work without a context of its own neither sets variables in its thread's base context, where later work would see
//! them, nor sees what others have set there.

use std::thread;

use contextvars::{Context, ContextExt, SharedContext, context_var, copy_context, with_context};
use tokio::runtime::{Builder, Runtime};

use crate::support::{Census, Citizen, caught, named, on_a_thread, panic_of};

#[context_var(default = 0)]
static NUMBER: u32;

#[context_var]
static NAME: String;

#[context_var]
static COUNTED: Citizen;

#[context_var(default = NUMBER.set(1).old_value().copied().unwrap_or(5))]
static SETS_IN_ITS_DEFAULT: u32;

/// A runtime with two worker threads.
fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime")
}

/// Runs `f` in a task of tokio's own spawn, which has no context of its own.
fn in_a_plain_task<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    let runtime = runtime();
    runtime.block_on(async { ::tokio::spawn(async { f() }).await.expect("no panic gets out") })
}

#[test]
fn a_set_in_a_plain_task_panics_where_it_is_called_and_says_what_to_do() {
    let (panicked, line) = in_a_plain_task(|| (panic_of(|| NAME.set("leak".to_owned())), line!()));
    assert_eq!((panicked.file.as_str(), panicked.line), (file!(), line));
    let message = panicked.message;
    assert!(
        message.starts_with(&format!("cannot set {} in work that has no context", named(NAME.variable()))),
        "{message}"
    );
    for fix in [
        "`contextvars::tokio::spawn`",
        "`.in_current_context()`",
        "`contextvars::tower::ContextLayer`",
        "`with_context!(NAME = .., async move { .. })`",
    ] {
        assert!(message.contains(fix), "{message}");
    }
}

#[test]
fn set_scoped_in_a_plain_task_panics_where_it_is_called() {
    let (panicked, line) = in_a_plain_task(|| (panic_of(|| drop(NUMBER.set_scoped(1))), line!()));
    assert_eq!((panicked.file.as_str(), panicked.line), (file!(), line));
}

#[test]
fn try_set_in_a_plain_task_gives_the_value_back_and_changes_nothing() {
    let census = Census::new();
    let citizen = census.citizen();
    let back = in_a_plain_task(move || {
        let error = COUNTED.try_set(citizen).unwrap_err();
        assert!(std::ptr::eq(error.variable(), COUNTED.variable()));
        assert!(error.to_string().contains("`COUNTED`") && format!("{error:?}").contains("`COUNTED`"));
        assert!(!COUNTED.is_set());
        error.into_value()
    });
    assert_eq!((census.born(), census.alive()), (1, 1));
    drop(back);
}

#[test]
fn a_refused_value_is_dropped_with_the_error() {
    let census = Census::new();
    let citizen = census.citizen();
    in_a_plain_task(move || drop(COUNTED.try_set(citizen)));
    let citizen = census.citizen();
    in_a_plain_task(move || panic_of(|| COUNTED.set(citizen)));
    assert_eq!(census.alive(), 0);
}

#[test]
fn reads_in_a_plain_task_are_fine() {
    let seen = in_a_plain_task(|| {
        let ctx = copy_context();
        (NUMBER.get(), NAME.try_get().is_err(), NUMBER.with(|number| *number), NUMBER.is_set(), ctx.len())
    });
    assert_eq!(seen, (0, true, 0, false, 0));
}

#[test]
fn nothing_that_a_plain_task_tried_is_seen_by_later_ones() {
    let runtime = runtime();
    runtime.block_on(async {
        for n in 0..100 {
            let task = ::tokio::spawn(async move {
                assert!(NUMBER.try_set(n).is_err());
                (NUMBER.is_set(), copy_context().is_empty())
            });
            assert_eq!(task.await.unwrap(), (false, true));
        }
    });
}

#[test]
fn in_a_context_of_its_own_a_plain_task_may_set() {
    let seen = in_a_plain_task(|| {
        let by_scope = with_context!(NUMBER = 1, {
            NAME.set("scope".to_owned());
            NAME.get()
        });
        let mut ctx = Context::new();
        ctx.run(|| NUMBER.set(2));
        let by_wrap = Context::new().wrap(|| NUMBER.set(3).old_value().is_none())();
        let by_copy = copy_context().run(|| {
            drop(NUMBER.set_scoped(4));
            NUMBER.get()
        });
        let shared = SharedContext::new();
        shared.run(|| NUMBER.set(5)).unwrap();
        let by_future = pollster::block_on(
            async {
                NUMBER.set(6);
                NUMBER.get()
            }
            .in_current_context(),
        );
        let by_with = Context::new().with(&NUMBER, 7)[&NUMBER];
        // Outside of them it is refused as before.
        assert!(NUMBER.try_set(0).is_err());
        (by_scope, ctx[&NUMBER], by_wrap, by_copy, shared.copy().unwrap()[&NUMBER], by_future, by_with)
    });
    assert_eq!(seen, ("scope".to_owned(), 2, true, 0, 5, 6, 7));
}

#[test]
fn a_wrapped_task_may_set() {
    runtime().block_on(async {
        let task = ::tokio::spawn(
            async {
                NUMBER.set(1);
                ::tokio::task::yield_now().await;
                NUMBER.get()
            }
            .in_context(Context::new()),
        );
        assert_eq!(task.await.unwrap(), 1);
    });
}

#[test]
fn block_on_may_set_and_tasks_do_not_see_it() {
    on_a_thread(|| {
        for runtime in [runtime(), Builder::new_current_thread().build().unwrap()] {
            let token = runtime.block_on(async {
                let token = NUMBER.set(1);
                ::tokio::task::yield_now().await;
                assert_eq!(NUMBER.get(), 1);
                token
            });
            // `block_on` runs in the caller's context.
            assert_eq!(NUMBER.get(), 1);
            NUMBER.reset(token).unwrap();
        }
    });
}

#[test]
fn a_thread_without_tokio_may_set() {
    on_a_thread(|| {
        NUMBER.set(1);
        assert!(thread::scope(|scope| scope.spawn(|| NUMBER.set(2).old_value().is_none()).join().unwrap()));
        assert_eq!(NUMBER.get(), 1);
    });
}

#[test]
fn the_blocking_pool_is_refused_too() {
    runtime().block_on(async {
        let refused = ::tokio::task::spawn_blocking(|| NUMBER.try_set(1).is_err()).await.unwrap();
        let panicked = ::tokio::task::spawn_blocking(|| panic_of(|| NUMBER.set(1))).await.unwrap();
        assert!(refused && panicked.message.contains("`NUMBER`"));
        let allowed = ::tokio::task::spawn_blocking(|| with_context!({ NUMBER.try_set(1).is_ok() })).await.unwrap();
        assert!(allowed);
    });
}

#[test]
fn plain_local_tasks_are_refused_too() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let local = ::tokio::task::LocalSet::new();
    let refused = local.block_on(&runtime, async {
        let mut set = ::tokio::task::JoinSet::new();
        set.spawn_local(async { NUMBER.try_set(1).is_err() });
        let by_set = set.join_next().await.unwrap().unwrap();
        let by_spawn = ::tokio::task::spawn_local(async { NUMBER.try_set(1).is_err() }).await.unwrap();
        (by_set, by_spawn)
    });
    assert_eq!(refused, (true, true));
}

#[test]
fn block_in_place_is_still_the_task() {
    runtime().block_on(async {
        let plain = ::tokio::spawn(async { ::tokio::task::block_in_place(|| NUMBER.try_set(1).is_err()) });
        assert!(plain.await.unwrap());
        let wrapped = async { ::tokio::task::block_in_place(|| NUMBER.set(1).old_value().is_none()) };
        assert!(::tokio::spawn(wrapped.in_current_context()).await.unwrap());
    });
}

#[test]
fn the_drop_of_a_plain_task_s_future_is_refused_too() {
    struct SetsInDrop(std::sync::mpsc::Sender<bool>);
    impl Drop for SetsInDrop {
        fn drop(&mut self) {
            self.0.send(NUMBER.try_set(1).is_err()).expect("the test listens");
        }
    }
    let (sender, refused) = std::sync::mpsc::channel();
    let guard = SetsInDrop(sender);
    let runtime = runtime();
    let task = runtime.spawn(async move {
        let _guard = guard;
        std::future::pending::<()>().await;
    });
    task.abort();
    assert!(runtime.block_on(task).unwrap_err().is_cancelled());
    assert_eq!(refused.recv(), Ok(true));
}

#[test]
fn a_default_that_sets_may_be_read_in_a_plain_task() {
    // It is evaluated in an empty context of its own.
    assert_eq!(in_a_plain_task(|| (SETS_IN_ITS_DEFAULT.get(), NUMBER.is_set())), (5, false));
}

#[test]
fn a_scoped_set_of_block_on_is_undone_at_its_end() {
    on_a_thread(|| {
        Builder::new_current_thread().build().unwrap().block_on(async {
            NUMBER.set(1);
            {
                let _guard = NUMBER.set_scoped(2);
                assert_eq!(NUMBER.get(), 2);
            }
            assert_eq!(NUMBER.get(), 1);
        });
        assert_eq!(NUMBER.get(), 1);
    });
}

#[test]
fn a_token_of_the_base_context_may_be_reset_in_a_plain_task_of_the_same_thread() {
    // The code whose set is undone was allowed to set.
    on_a_thread(|| {
        let runtime = Builder::new_current_thread().build().unwrap();
        let token = NUMBER.set(1);
        let reset = runtime.block_on(async { ::tokio::spawn(async { NUMBER.reset(token).is_ok() }).await.unwrap() });
        assert_eq!((reset, NUMBER.is_set()), (true, false));
    });
}

#[test]
fn a_panic_of_a_refused_set_is_the_task_s_own() {
    runtime().block_on(async {
        let error = ::tokio::spawn(async { caught(|| drop(NUMBER.set(1))).unwrap_err() }).await.unwrap();
        assert!(error.message.contains("`NUMBER`"));
        assert!(!::tokio::spawn(async { NUMBER.is_set() }).await.unwrap());
    });
}

/// A runtime that runs all of its tasks on the thread that calls `block_on`.
fn runtime_of_one_thread() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime")
}

#[test]
fn a_scope_around_block_on_is_shared_by_the_plain_tasks_that_run_in_it_and_gone_after() {
    let runtime = runtime_of_one_thread();
    with_context!(NUMBER = 7, {
        runtime.block_on(async {
            let sets = ::tokio::spawn(async { drop(NUMBER.set(NUMBER.get() + 1)) });
            sets.await.expect("what is current is not the thread's base context");
            assert_eq!(NUMBER.get(), 8);
        });
    });
    assert_eq!(NUMBER.get(), 0);
    assert_eq!(runtime.block_on(async { ::tokio::spawn(async { NUMBER.get() }).await.unwrap() }), 0);
}

#[test]
fn a_future_with_a_context_in_block_on_keeps_it_to_itself() {
    let runtime = runtime_of_one_thread();
    runtime.block_on(with_context!(NUMBER = 7, async {
        let plain = ::tokio::spawn(async { (NUMBER.get(), NUMBER.try_set(8).is_err()) });
        assert_eq!(plain.await.unwrap(), (0, true));
        assert_eq!(NUMBER.get(), 7);
    }));
}
