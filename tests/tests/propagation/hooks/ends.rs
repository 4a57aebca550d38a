//! However a task ends, it leaves nothing behind: aborted, in a panic, at shutdown.

use std::sync::{Arc, mpsc};
use std::thread;

use contextvars::tokio::{InheritContexts, Inheritance};
use contextvars::{context_var, copy_context, with_context};
use tokio::runtime::Builder;
use tokio::sync::{Barrier, oneshot};

use super::{COUNT, REQUEST_ID, runtime_of, single_threaded};
use crate::support::{Census, Citizen};

#[context_var]
static CITIZEN: Citizen;

/// Tells in which context it is dropped.
struct NotesRequest(mpsc::Sender<u64>);

impl Drop for NotesRequest {
    fn drop(&mut self) {
        // The receiver may be gone.
        let _ = self.0.send(REQUEST_ID.get());
    }
}

#[test]
fn an_aborted_task_is_dropped_in_its_context() {
    let runtime = runtime_of(2);
    let (send, receive) = mpsc::channel();
    let notes = NotesRequest(send);
    let (started, wait) = oneshot::channel();
    let census = Census::new();
    let task = with_context!(REQUEST_ID = 7, CITIZEN = census.citizen(), {
        runtime.spawn(async move {
            let _notes = notes;
            started.send(()).unwrap();
            std::future::pending::<()>().await;
        })
    });
    runtime.block_on(wait).unwrap();
    assert_eq!(census.alive(), 1);
    task.abort();
    assert!(runtime.block_on(task).unwrap_err().is_cancelled());
    assert_eq!(receive.recv(), Ok(7));
    drop(runtime);
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_task_that_panics_leaves_nothing_behind() {
    let runtime = runtime_of(1);
    let census = Census::new();
    let task = with_context!(CITIZEN = census.citizen(), {
        runtime.spawn(async {
            COUNT.set(1);
            panic!("as it should");
        })
    });
    assert!(runtime.block_on(task).unwrap_err().is_panic());
    let next = runtime.spawn(async { copy_context().is_empty() });
    assert!(runtime.block_on(next).unwrap());
    drop(runtime);
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_task_that_has_ended_frees_its_context_while_its_handle_lives() {
    let runtime = runtime_of(2);
    let census = Census::new();
    let handles: Vec<_> = (0..100)
        .map(|_| with_context!(CITIZEN = census.citizen(), { runtime.spawn(async { tokio::task::yield_now().await }) }))
        .collect();
    // Every context is freed by the task's last hook, which is over when a worker takes the next task or stops.
    while handles.iter().any(|handle| !handle.is_finished()) {
        thread::yield_now();
    }
    runtime.shutdown_timeout(std::time::Duration::MAX);
    assert_eq!(census.alive(), 0);
    drop(handles);
}

#[test]
fn tasks_that_a_shutdown_ends_free_their_contexts() {
    let runtime = runtime_of(2);
    let census = Census::new();
    let in_step = Arc::new(Barrier::new(11));
    let (send, receive) = mpsc::channel();
    for _ in 0..10 {
        let (in_step, notes) = (in_step.clone(), NotesRequest(send.clone()));
        with_context!(REQUEST_ID = 7, CITIZEN = census.citizen(), {
            runtime.spawn(async move {
                let _notes = notes;
                in_step.wait().await;
                std::future::pending::<()>().await;
            })
        });
    }
    runtime.block_on(in_step.wait());
    assert_eq!(census.alive(), 10);
    drop(runtime);
    assert_eq!(census.alive(), 0);
    // What hooks cannot reach: a shutdown drops futures without their contexts, or just after their last poll with
    // them.
    drop(send);
    assert_eq!(receive.iter().filter(|&id| id == 0 || id == 7).count(), 10);
}

#[test]
fn a_task_spawned_on_a_runtime_that_has_shut_down_leaves_nothing_behind() {
    let census = Census::new();
    let runtime = runtime_of(1);
    let handle = runtime.handle().clone();
    drop(runtime);
    for _ in 0..3 {
        let task = with_context!(CITIZEN = census.citizen(), { handle.spawn(async {}) });
        assert!(pollster::block_on(task).unwrap_err().is_cancelled());
    }
    // The handle still has the hooks and what they keep.
    assert_eq!(census.alive(), 0);
    drop(handle);
}

#[test]
fn the_workers_own_contexts_stay_empty() {
    let (send, receive) = mpsc::channel();
    let runtime = Builder::new_multi_thread()
        .worker_threads(3)
        .on_thread_stop(move || send.send(copy_context().is_empty()).unwrap())
        .inherit_contexts()
        .build()
        .unwrap();
    let tasks: Vec<_> = (0..300)
        .map(|n| {
            runtime.spawn(async move {
                COUNT.set(n);
                tokio::task::yield_now().await;
                assert_eq!(COUNT.get(), n);
                assert!(n % 3 != 0, "a panic once in a while");
            })
        })
        .collect();
    for (n, task) in tasks.into_iter().enumerate() {
        assert_eq!(runtime.block_on(task).is_err(), n % 3 == 0);
    }
    drop(runtime);
    let workers: Vec<bool> = receive.iter().collect();
    assert!(workers.len() >= 3);
    assert!(workers.iter().all(|is_empty| *is_empty));
}

struct SetsOnDrop;

impl Drop for SetsOnDrop {
    fn drop(&mut self) {
        COUNT.set(9);
    }
}

#[context_var]
static SETS: Arc<SetsOnDrop>;

#[test]
fn a_value_set_by_a_destructor_when_its_task_ends_is_not_seen() {
    let runtime = single_threaded(Inheritance::new());
    runtime.block_on(async {
        let setter = tokio::spawn(async { drop(SETS.set(Arc::new(SetsOnDrop))) });
        setter.await.unwrap();
        tokio::task::yield_now().await;
        assert!(!COUNT.is_set());
        assert!(tokio::spawn(async { copy_context().is_empty() }).await.unwrap());
    });
    assert!(!COUNT.is_set());
}
