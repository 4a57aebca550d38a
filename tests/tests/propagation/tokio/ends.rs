//! How tasks end: what is left of them is dropped in their context, and the context with them.

use std::future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use contextvars::tokio::{self, SpawnInheriting};
use contextvars::{context_var, copy_context, with_context};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, oneshot};

use crate::support::{Census, Citizen};

#[context_var(default = 0)]
static NUMBER: u32;

#[context_var(inherit = false)]
static TRANSACTION: u32;

#[context_var]
static COUNTED: Citizen;

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("a runtime")
}

/// Tells in which context it is dropped.
struct SeesDrop(mpsc::Sender<(u32, usize)>);

impl Drop for SeesDrop {
    fn drop(&mut self) {
        let _ = self.0.send((NUMBER.get(), copy_context().len()));
    }
}

#[test]
fn an_aborted_task_is_dropped_in_its_context() {
    let census = Census::new();
    let (sender, dropped) = mpsc::channel();
    let runtime = runtime();
    runtime.block_on(async {
        let sees = SeesDrop(sender);
        let (ready, is_ready) = oneshot::channel();
        let task = with_context!(NUMBER = 8, COUNTED = census.citizen(), {
            tokio::spawn(async move {
                let _sees = sees;
                ready.send(()).expect("the test waits");
                future::pending::<()>().await;
            })
        });
        is_ready.await.unwrap();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    });
    assert_eq!(dropped.recv(), Ok((8, 2)));
    drop(runtime);
    assert_eq!(census.alive(), 0);
}

#[test]
fn tasks_alive_at_shutdown_are_dropped_in_their_contexts() {
    let census = Census::new();
    let (sender, dropped) = mpsc::channel();
    let runtime = runtime();
    let started = Arc::new(AtomicUsize::new(0));
    let all_started = Arc::new(Notify::new());
    runtime.block_on(async {
        for n in 0..100 {
            let (sees, started, all) = (SeesDrop(sender.clone()), Arc::clone(&started), Arc::clone(&all_started));
            let task = async move {
                let _sees = sees;
                if started.fetch_add(1, Ordering::SeqCst) == 99 {
                    all.notify_one();
                }
                future::pending::<()>().await;
            };
            drop(with_context!(NUMBER = n, COUNTED = census.citizen(), { tokio::spawn(task) }));
        }
        all_started.notified().await;
    });
    drop(sender);
    assert_eq!(census.alive(), 100);
    drop(runtime);
    let mut seen: Vec<_> = dropped.iter().collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..100).map(|n| (n, 2)).collect::<Vec<_>>());
    assert_eq!(census.alive(), 0);
}

#[test]
fn tasks_never_polled_are_dropped_in_their_contexts_at_shutdown() {
    let census = Census::new();
    let (sender, dropped) = mpsc::channel();
    // It is never run.
    let runtime = Builder::new_current_thread().build().unwrap();
    {
        let _here = runtime.enter();
        for n in 0..100 {
            let sees = SeesDrop(sender.clone());
            let task = async move {
                let _sees = sees;
                future::pending::<()>().await;
            };
            drop(with_context!(NUMBER = n, COUNTED = census.citizen(), { tokio::spawn(task) }));
        }
    }
    drop(sender);
    assert_eq!(census.alive(), 100);
    with_context!(NUMBER = 1_000, { drop(runtime) });
    let mut seen: Vec<_> = dropped.iter().map(|(number, _)| number).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..100).collect::<Vec<_>>());
    assert_eq!(census.alive(), 0);
}

#[test]
fn what_a_runtime_or_a_handle_has_spawned_is_dropped_in_its_context_at_shutdown() {
    let (sender, dropped) = mpsc::channel();
    let runtime = Builder::new_current_thread().build().unwrap();
    with_context!(NUMBER = 7, TRANSACTION = 8, {
        for sees in [SeesDrop(sender.clone()), SeesDrop(sender.clone())] {
            let pending = async move {
                let _sees = sees;
                future::pending::<()>().await;
            };
            drop(runtime.handle().spawn_inheriting(pending));
        }
        let never_polled = SeesDrop(sender);
        drop(runtime.spawn_inheriting(async move { drop(never_polled) }));
    });
    drop(runtime);
    assert_eq!(dropped.iter().collect::<Vec<_>>(), [(7, 1); 3]);
    assert!(copy_context().is_empty());
}

#[test]
fn blocking_work_that_never_ran_is_dropped_in_its_context() {
    let (sender, dropped) = mpsc::channel();
    let runtime = Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    let (release, released) = mpsc::channel::<()>();
    let _here = runtime.enter();
    let (started, has_started) = mpsc::channel();
    tokio::task::spawn_blocking(move || {
        started.send(()).expect("the test waits");
        released.recv()
    });
    has_started.recv().unwrap();
    let sees = SeesDrop(sender);
    let queued = with_context!(NUMBER = 8, { tokio::task::spawn_blocking(move || drop(sees)) });
    queued.abort();
    drop(release);
    assert!(runtime.block_on(queued).is_err());
    assert_eq!(dropped.recv(), Ok((8, 1)));
}

#[tokio::test]
async fn a_task_frees_its_copy_when_it_ends() {
    let census = Census::new();
    let tasks = with_context!(COUNTED = census.citizen(), {
        [tokio::spawn(async { COUNTED.is_set() }), tokio::task::spawn_blocking(|| COUNTED.is_set())]
    });
    for task in tasks {
        assert!(task.await.unwrap());
    }
    assert_eq!(census.alive(), 0);
}

#[tokio::test]
async fn a_panic_in_a_task_is_its_own() {
    let (panics, goes_on) = with_context!(NUMBER = 1, {
        let panics = tokio::spawn(async { panic!("number {}", NUMBER.set(2).var().get()) });
        (panics, tokio::spawn(async { NUMBER.get() }))
    });
    let panicked = panics.await.unwrap_err().into_panic();
    assert_eq!(panicked.downcast_ref::<String>().map(String::as_str), Some("number 2"));
    assert_eq!(goes_on.await.unwrap(), 1);
    assert!(copy_context().is_empty());
}
