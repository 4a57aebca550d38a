//! A carrier's state goes with smol's tasks and blocking functions. In a program of its own, since a carrier is
//! registered for the whole process.

use std::cell::Cell;
use std::thread;

use contextvars::carry::{self, Carried};
use contextvars::{Context, ContextExt, context_var, with_context};
use contextvars_smol as smol;
use smol::{Executor, LocalExecutor, Task, future};

#[context_var(default = 0)]
static REQUEST_ID: u64;

thread_local! {
    /// What a tracing library, for example, keeps for each thread.
    static SPAN: Cell<u64> = const { Cell::new(0) };
}

struct Span(u64);

impl Carried for Span {
    /// The span that was current before.
    type Undo = u64;

    fn capture() -> Option<Self> {
        Some(Self(SPAN.get())).filter(|span| span.0 != 0)
    }

    fn is_current(&self) -> bool {
        self.0 == SPAN.get()
    }

    fn enter(&self) -> Option<u64> {
        Some(SPAN.replace(self.0))
    }

    fn leave(&self, before: u64) {
        SPAN.set(before);
    }
}

/// Runs `f` for a request: in a context with its number, and in a span of that number.
fn in_a_request<R>(id: u64, f: impl FnOnce() -> R) -> R {
    carry::register::<Span>();
    let before = SPAN.replace(id);
    let result = with_context!(REQUEST_ID = id, { f() });
    SPAN.set(before);
    result
}

/// The request's variable and span.
fn seen() -> (u64, u64) {
    (REQUEST_ID.get(), SPAN.get())
}

#[test]
fn every_way_to_start_work_takes_the_state_along_and_leaves_none() {
    let (executor, local) = (Executor::new(), LocalExecutor::new());
    let mut tasks: Vec<Task<_>> = Vec::new();
    in_a_request(7, || {
        tasks.extend([smol::spawn(async { seen() }), smol::unblock(seen), executor.spawn(async { seen() })]);
        executor.spawn_many((0..2).map(|_| async { seen() }), &mut tasks);
        tasks.push(local.spawn(async { seen() }));
        local.spawn_many((0..2).map(|_| async { seen() }), &mut tasks);
    });
    let all = async {
        for task in tasks {
            assert_eq!(task.await, (7, 7));
        }
    };
    smol::block_on(executor.run(local.run(all)));
    assert_eq!(seen(), (0, 0));
}

#[test]
fn tasks_that_take_turns_on_three_threads_each_see_their_own_state() {
    async fn in_step(id: u64) -> bool {
        for _ in 0..50 {
            if seen() != (id, id) {
                return false;
            }
            future::yield_now().await;
        }
        true
    }
    let executor = Executor::new();
    let (signal, shutdown) = smol::channel::unbounded::<()>();
    let tasks: Vec<_> = (1..=200).map(|id| in_a_request(id, || executor.spawn(in_step(id)))).collect();
    let none_crossed = thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let _ = smol::block_on(executor.run(shutdown.recv()));
                assert_eq!(seen(), (0, 0));
            });
        }
        let none_crossed = tasks.into_iter().all(smol::block_on);
        drop(signal);
        none_crossed
    });
    assert!(none_crossed);
}

#[test]
fn a_cancelled_task_is_dropped_in_its_state() {
    struct Dropped(std::sync::mpsc::Sender<(u64, u64)>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.send(seen()).unwrap();
        }
    }
    let (sender, dropped) = std::sync::mpsc::channel();
    let task = in_a_request(7, || {
        let dropped = Dropped(sender);
        smol::spawn(async move {
            let _dropped = dropped;
            future::pending::<()>().await;
        })
    });
    assert_eq!(smol::block_on(task.cancel()), None);
    assert_eq!(dropped.recv(), Ok((7, 7)));
}

#[test]
fn work_that_is_started_suppressed_in_an_empty_context_is_in_no_state() {
    let executor = Executor::new();
    let task = in_a_request(7, || carry::suppressed(|| executor.spawn(async { seen() }.in_context(Context::new()))));
    assert_eq!(smol::block_on(executor.run(task)), (0, 0));
}
