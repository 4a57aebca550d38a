//! Tasks with names, which tokio has among its unstable parts, inherit in its place, too; run it with
//! `ci/tokio-unstable.sh`.

#![cfg(all(tokio_unstable, feature = "tracing"))]

use contextvars::{context_var, with_context};
use contextvars_tokio as tokio;
use tokio::task::{Builder, JoinSet};

#[context_var(default = 0)]
static REQUEST_ID: u64;

#[tokio::test]
async fn a_task_with_a_name_inherits() {
    let (task, function, member) = with_context!(REQUEST_ID = 7, {
        let task = Builder::new().name("task").spawn(async { REQUEST_ID.get() }).unwrap();
        let function = Builder::new().name("function").spawn_blocking(|| REQUEST_ID.get()).unwrap();
        let mut set = JoinSet::new();
        set.build_task().name("member").spawn(async { REQUEST_ID.get() }).unwrap();
        (task, function, set)
    });
    assert_eq!((task.await.unwrap(), function.await.unwrap(), member.join_all().await), (7, 7, vec![7]));
}
