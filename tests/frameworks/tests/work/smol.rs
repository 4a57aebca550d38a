//! smol, and the crates that it is made of: async-executor and blocking.

use std::sync::Arc;

use async_executor::Executor;
use contextvars::{ContextExt, inherit_context, with_context};
use smol::future::yield_now;

use super::TENANT;

#[contextvars::test(block_on = smol::block_on)]
async fn tasks_and_blocking_functions_of_smol_inherit() {
    let requests = ["acme", "globex"].map(|tenant| {
        smol::spawn(with_context!(TENANT = tenant.to_owned(), async move {
            let task = smol::spawn(async {
                yield_now().await;
                TENANT.get()
            });
            let rows = smol::unblock(|| TENANT.get());
            assert_eq!((task.await.as_str(), rows.await.as_str()), (tenant, tenant));
        }))
    });
    for request in requests {
        request.await;
    }
}

async fn report() -> String {
    yield_now().await;
    TENANT.get_or("-".to_owned())
}

fn start(executor: &Executor<'static>) -> [async_executor::Task<String>; 2] {
    let task = executor.spawn(report().in_inherited_context());
    let rows = blocking::unblock(inherit_context().wrap_once(|| TENANT.get()));
    [task, rows]
}

/// Runs the executor within a request of its own, until the future is done.
async fn run<T>(executor: Arc<Executor<'static>>, until: impl Future<Output = T>) -> T {
    with_context!(TENANT = "initech".to_owned(), async { executor.run(until).await }).await
}

#[contextvars::test(block_on = smol::block_on)]
async fn what_is_given_a_context_keeps_it_whatever_runs_the_executor() {
    let executor = Arc::new(Executor::new());
    let started =
        ["acme", "globex"].map(|tenant| (tenant, with_context!(TENANT = tenant.to_owned(), { start(&executor) })));
    for (tenant, [task, rows]) in started {
        assert_eq!(run(executor.clone(), task).await, tenant);
        assert_eq!(rows.await, tenant);
    }
}

#[contextvars::test(block_on = smol::block_on)]
async fn without_it_a_task_has_the_tenant_of_the_request_that_runs_the_executor_and_a_function_has_none() {
    let executor = Arc::new(Executor::new());
    let (task, rows) = with_context!(TENANT = "acme".to_owned(), {
        (executor.spawn(report()), blocking::unblock(|| TENANT.try_get()))
    });
    assert_eq!(run(executor.clone(), task).await, "initech");
    assert!(rows.await.is_err());
    // Within no request there is none.
    let task = with_context!(TENANT = "acme".to_owned(), { executor.spawn(report()) });
    assert_eq!(executor.run(task).await, "-");
}
