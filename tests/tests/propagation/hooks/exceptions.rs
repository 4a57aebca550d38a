//! What does not inherit: by choice, and because hooks cannot reach it.

use std::future::{Pending, pending};

use contextvars::tokio::Inheritance;
use contextvars::{Context, ContextExt, context_var, copy_context, with_context};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower::{Service, ServiceExt};

use super::{COUNT, REQUEST_ID, request, runtime_of, single_threaded};
use crate::support::{Census, Citizen};

#[context_var]
static OWNED: Citizen;

#[test]
fn a_blocking_function_is_out_of_reach_and_may_not_set() {
    let spawns = async {
        let plain = tokio::task::spawn_blocking(|| (REQUEST_ID.get(), COUNT.try_set(1).is_err())).await.unwrap();
        let inheriting = contextvars::tokio::task::spawn_blocking(|| REQUEST_ID.get()).await.unwrap();
        (plain, inheriting)
    };
    assert_eq!(runtime_of(1).block_on(spawns.in_context(request(7))), ((0, true), 7));
}

#[test]
fn a_local_set_is_out_of_reach_and_shares_the_context_of_who_polls_it() {
    let runtime = single_threaded(Inheritance::new());
    let local = tokio::task::LocalSet::new();
    let task = request(7).run(|| local.spawn_local(async { REQUEST_ID.get() }));
    runtime.block_on(local.in_context(request(8)));
    assert_eq!(runtime.block_on(task).unwrap(), 8);
}

/// A service that spawns as connection pools do: within tower's buffer and through hyper-util's executor.
async fn spawned_by_pools() -> (u64, u64) {
    let (send, executed) = oneshot::channel();
    let task = async move { send.send(REQUEST_ID.get()).unwrap() };
    hyper::rt::Executor::execute(&hyper_util::rt::TokioExecutor::new(), task);
    let service = tower::service_fn(|()| std::future::ready(Ok::<_, std::convert::Infallible>(REQUEST_ID.get())));
    let mut buffer = tower::buffer::Buffer::new(service, 1);
    let called = buffer.ready().await.unwrap().call(()).await.unwrap();
    (executed.await.unwrap(), called)
}

#[test]
fn what_connection_pools_spawn_does_not_inherit() {
    assert_eq!(runtime_of(1).block_on(spawned_by_pools().in_context(request(7))), (0, 0));
}

#[test]
fn what_connection_pools_spawn_inherits_if_nothing_is_excepted() {
    let runtime = single_threaded(Inheritance::of_all());
    assert_eq!(runtime.block_on(spawned_by_pools().in_context(request(7))), (7, 7));
}

#[test]
fn a_module_can_be_excepted_by_name() {
    let runtime = single_threaded(Inheritance::of_all().except("tower::buffer"));
    assert_eq!(runtime.block_on(spawned_by_pools().in_context(request(7))), (7, 0));
}

#[test]
fn a_place_can_be_excepted_by_a_function() {
    let except = Inheritance::new().except_where(|place| place.file() == file!() && place.line() % 2 == line!() % 2);
    let shown = format!("{except:?}");
    assert!(shown.starts_with("Inheritance of all but [bb8, "), "{shown}");
    assert!(shown.contains(r#"tower::buffer, "a function"], without sets in [axum::serve, "#), "{shown}");
    let runtime = single_threaded(except);
    let spawns = async {
        let one = tokio::spawn(async { REQUEST_ID.get() });
        let other = tokio::spawn(async { REQUEST_ID.get() });
        one.await.unwrap() + other.await.unwrap()
    };
    assert_eq!(runtime.block_on(spawns.in_context(request(7))), 7);
}

#[test]
fn a_task_that_does_not_inherit_is_as_without_hooks_empty_and_sets_in_a_scope_only() {
    let runtime = single_threaded(Inheritance::new().except_where(|_| true));
    let spawns = async {
        let task = async {
            assert!(copy_context().is_empty());
            assert!(COUNT.try_set(1).is_err());
            let scope = async {
                COUNT.set(COUNT.get() + 1);
                tokio::task::yield_now().await;
                COUNT.get()
            };
            with_context!(COUNT = 1, async { scope.await }).await
        };
        (tokio::spawn(task).await.unwrap(), COUNT.is_set())
    };
    assert_eq!(runtime.block_on(spawns.in_context(request(7))), (2, false));
}

#[test]
fn a_task_that_is_spawned_detached_keeps_nothing_with_hooks_either() {
    let runtime = single_threaded(Inheritance::new());
    let kept_by = |spawn: fn(Pending<()>) -> JoinHandle<()>| {
        let census = Census::new();
        let entered = runtime.enter();
        let task = Context::new().with(&OWNED, census.citizen()).run(|| spawn(pending()));
        drop(entered);
        let alive = census.alive();
        task.abort();
        runtime.block_on(task).expect_err("it was aborted");
        (alive, census.alive())
    };
    assert_eq!(kept_by(|work| tokio::spawn(work)), (1, 0));
    assert_eq!(kept_by(|work| contextvars::tokio::spawn_detached(work)), (0, 0));
    assert_eq!(kept_by(|work| Context::new().run(|| tokio::spawn(work))), (0, 0));
    // The hook inherits at the spawn, and does not see the future.
    assert_eq!(kept_by(|work| tokio::spawn(work.in_context(Context::new()))), (1, 0));
    assert_eq!(kept_by(|work| contextvars::tokio::spawn(work.in_context(Context::new()))), (1, 0));
}
