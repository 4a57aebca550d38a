//! Tasks with names, which tokio has among its unstable parts, inherit as others do; run it with
//! `ci/tokio-unstable.sh`.

#![cfg(tokio_unstable)]

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use contextvars::tokio::runtime::Handle;
use contextvars::tokio::task::{Builder, JoinSet, LocalSet};
use contextvars::tokio::{self, task};
use contextvars::{Context, ContextExt, context_var};
use tokio::sync::Barrier;

#[context_var(default = 0)]
static REQUEST_ID: u64;

#[context_var(inherit = false)]
static TRANSACTION: u64;

fn request(id: u64) -> Context {
    Context::new().with(&REQUEST_ID, id).with(&TRANSACTION, id)
}

fn seen() -> (u64, bool) {
    (REQUEST_ID.get(), TRANSACTION.is_set())
}

/// What is seen by a task, after it was polled again.
async fn seen_later() -> (u64, bool) {
    task::yield_now().await;
    seen()
}

#[tokio::test]
async fn a_task_with_a_name_inherits_however_it_is_spawned() {
    let spawns = async {
        let (handle, local) = (Handle::current(), LocalSet::new());
        let named = || Builder::new().name("worker");
        assert!(format!("{:?}", named()).contains(r#"name: Some("worker")"#));
        let tasks = [
            named().spawn(seen_later()).unwrap(),
            named().spawn_on(seen_later(), &handle).unwrap(),
            named().spawn_blocking(seen).unwrap(),
            named().spawn_blocking_on(seen, &handle).unwrap(),
            named().spawn_local_on(seen_later(), &local).unwrap(),
        ];
        let nested = local.run_until(async { named().spawn_local(seen_later()).unwrap().await }).await.unwrap();
        assert_eq!(nested, (7, false));
        local.await;
        for task in tasks {
            assert_eq!(task.await.unwrap(), (7, false));
        }
        assert_eq!(seen(), (7, true));
    };
    spawns.in_context(request(7)).await;
}

#[tokio::test]
async fn a_member_of_a_set_with_a_name_inherits_however_it_is_spawned() {
    let spawns = async {
        let (handle, local, mut set) = (Handle::current(), LocalSet::new(), JoinSet::new());
        let named = set.build_task().name("member");
        assert!(format!("{named:?}").contains(r#"name: Some("member")"#));
        named.spawn(seen_later()).unwrap();
        set.build_task().name("member").spawn_on(seen_later(), &handle).unwrap();
        set.build_task().name("member").spawn_blocking(seen).unwrap();
        set.build_task().name("member").spawn_blocking_on(seen, &handle).unwrap();
        set.build_task().name("member").spawn_local_on(seen_later(), &local).unwrap();
        local.run_until(async { set.build_task().name("member").spawn_local(seen_later()).map(drop) }).await.unwrap();
        local.await;
        assert_eq!(set.join_all().await, [(7, false); 6]);
        assert_eq!(seen(), (7, true));
    };
    spawns.in_context(request(7)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_with_names_in_step_never_see_each_others_values() {
    const TASKS: u64 = 50;
    let in_step = Arc::new(Barrier::new(usize::try_from(TASKS).unwrap()));
    let mut set = JoinSet::new();
    for id in 0..TASKS {
        let in_step = in_step.clone();
        let task = async move {
            for _ in 0..10 {
                in_step.wait().await;
                assert_eq!(REQUEST_ID.get(), id);
                REQUEST_ID.set(id);
            }
        };
        request(id).run(|| set.build_task().name("member").spawn(task)).unwrap();
    }
    assert_eq!(set.join_all().await.len(), 50);
}

/// Tells in its `Drop` which request it is in.
struct Witness(Sender<u64>);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.send(REQUEST_ID.get()).unwrap();
    }
}

#[tokio::test]
async fn a_task_with_a_name_that_is_aborted_is_dropped_in_its_context() {
    let (tell, told) = channel();
    let witness = Witness(tell);
    let pending = async move {
        let _witness = witness;
        std::future::pending::<()>().await;
    };
    let task = request(7).run(|| Builder::new().name("worker").spawn(pending)).unwrap();
    task::yield_now().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(told.recv(), Ok(7));
}
