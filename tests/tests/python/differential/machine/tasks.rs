//! The steps that have to do with tasks: futures stepped by hand, or tokio's.

use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker};

use contextvars::{Context, ContextExt, InContext, copy_context, tokio};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::super::program::{Pick, Program, Step};
use super::super::variables::Sample;
use super::looks::shown;
use super::{Machine, is_survival, outcome, picked, survives};

/// What became of a task.
pub(super) enum Slot {
    /// It waits to be stepped by hand.
    ByHand(Pin<Box<InContext<BoxFuture<'static, ()>>>>),
    /// It waits to be told to run.
    Scheduled(Scheduled),
    /// It is being stepped, or cancelled.
    Running,
    /// It has come to its end, or failed; and its context, if that can be seen.
    Ended(&'static str, Option<Context>),
    Dropped,
}

/// A tokio task that runs when it is told to, so that it does not matter how tokio schedules.
pub(super) struct Scheduled {
    go: UnboundedSender<()>,
    paused: UnboundedReceiver<()>,
    handle: JoinHandle<()>,
}

/// Where `Yield` hands control to.
enum Turn {
    /// The code that steps the task.
    ByHand,
    /// The thread that waits for the task to pause.
    Scheduled { go: UnboundedReceiver<()>, paused: UnboundedSender<()> },
    /// The runtime: the program itself is not stepped.
    Main,
}

impl Turn {
    async fn pause(&mut self) {
        match self {
            Self::ByHand => futures::pending!(),
            Self::Main => tokio::task::yield_now().await,
            Self::Scheduled { go, paused } => {
                // When the program has ended, there is no listener.
                let _ = paused.send(());
                let _ = go.recv().await;
            }
        }
    }
}

/// Runs the program as the main future of a runtime.
pub(super) fn run_on_runtime<T: Sample>(machine: &Arc<Machine<T>>, program: &Program) {
    let runtime = match program.workers {
        0 => Builder::new_current_thread().build(),
        workers => Builder::new_multi_thread().worker_threads(workers).build(),
    };
    let main = async {
        let body = AssertUnwindSafe(machine.steps(&program.body, &mut Turn::Main)).catch_unwind().await;
        machine.log(format!("end: {}", outcome(is_survival(body))));
        let count = machine.state().tasks.len();
        for number in 0..count {
            machine.cancel(number).await;
        }
    };
    runtime.expect("a runtime can be had").block_on(main);
}

impl<T: Sample> Machine<T> {
    /// Takes the steps of a task.
    fn steps<'a>(self: &'a Arc<Self>, body: &'a [Step], turn: &'a mut Turn) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            for step in body {
                match step {
                    Step::RunCopy(body) => {
                        self.log("own copy {");
                        self.steps(body, turn).in_current_context().await;
                        self.log("} of own copy");
                    }
                    Step::Scope(var, number, body) => {
                        self.log(format!("scope of V{var} {{"));
                        T::scope_async(*var, T::from_number(*number), self.steps(body, turn)).await;
                        self.log("} of scope");
                    }
                    Step::Try(body) => {
                        let result = AssertUnwindSafe(self.steps(body, turn)).catch_unwind().await;
                        self.log(if is_survival(result) { "not failed" } else { "caught" });
                    }
                    Step::Finally(body, cleanup) => {
                        let _cleanup = self.at_end(cleanup, None);
                        self.steps(body, turn).await;
                    }
                    Step::Yield => {
                        self.log("yield");
                        turn.pause().await;
                    }
                    Step::Spawn(body) if self.runtime => self.spawn(body.clone()),
                    Step::Resume(pick) if self.runtime => self.step_scheduled(*pick).await,
                    Step::Drop(pick) if self.runtime => match self.picked_task(*pick) {
                        Some(number) => self.cancel(number).await,
                        None => self.log("drop: no task"),
                    },
                    Step::Blocking(body) if self.runtime => self.blocking(body.clone()).await,
                    _ => self.step(step, None),
                }
            }
        })
    }

    pub(super) fn step_of_tasks(self: &Arc<Self>, step: &Step) {
        match step {
            Step::Task(pick) => self.show_task(*pick),
            _ if self.runtime => self.log("no await here"),
            Step::Spawn(body) => {
                let (machine, body) = (Arc::clone(self), body.clone());
                let task: BoxFuture<'static, ()> =
                    Box::pin(async move { machine.steps(&body, &mut Turn::ByHand).await });
                self.add(Slot::ByHand(Box::pin(task.in_context(copy_context()))));
            }
            Step::Resume(pick) => self.step_by_hand(*pick),
            Step::Drop(pick) => match self.picked_task(*pick) {
                Some(number) => self.cancel_by_hand(number),
                None => self.log("drop: no task"),
            },
            _ => self.log("no await here"),
        }
    }

    fn picked_task(&self, pick: Pick) -> Option<usize> {
        picked(pick, self.state().tasks.len())
    }

    fn add(&self, task: Slot) {
        let number = self.state().tasks.len();
        self.state().tasks.push(task);
        self.log(format!("spawn: k{number}"));
    }

    fn spawn(self: &Arc<Self>, body: Vec<Step>) {
        let ((go, mut told), (pausing, paused)) = (unbounded_channel(), unbounded_channel());
        let machine = Arc::clone(self);
        let handle = tokio::spawn(async move {
            let _ = told.recv().await;
            machine.steps(&body, &mut Turn::Scheduled { go: told, paused: pausing }).await;
        });
        self.add(Slot::Scheduled(Scheduled { go, paused, handle }));
    }

    /// Takes a task that is there to be stepped, and leaves word that it is running.
    fn begin_step(&self, pick: Pick) -> Option<(usize, Slot)> {
        let Some(number) = self.picked_task(pick) else {
            self.log("step: no task");
            return None;
        };
        let task = std::mem::replace(&mut self.state().tasks[number], Slot::Running);
        let over = match &task {
            Slot::Ended(how, _) => *how,
            Slot::Dropped => "dropped",
            Slot::Running => {
                self.log(format!("step k{number} {{"));
                self.log(format!("}} of k{number}: running"));
                return None;
            }
            _ => {
                self.log(format!("step k{number} {{"));
                return Some((number, task));
            }
        };
        self.state().tasks[number] = task;
        self.log(format!("step k{number}: {over}"));
        None
    }

    fn end_step(&self, number: usize, task: Slot) {
        let how = if let Slot::Ended(how, _) = &task { how } else { "paused" };
        self.log(format!("}} of k{number}: {how}"));
        self.state().tasks[number] = task;
    }

    fn step_by_hand(&self, pick: Pick) {
        let Some((number, Slot::ByHand(mut task))) = self.begin_step(pick) else { return };
        let mut cx = task::Context::from_waker(Waker::noop());
        let polled = panic::catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(&mut cx)));
        let task = match polled {
            Ok(Poll::Pending) => Slot::ByHand(task),
            Ok(Poll::Ready(())) => Slot::Ended("done", Some(task.context().clone())),
            Err(payload) => {
                is_survival(Err(payload));
                Slot::Ended("failed", Some(task.context().clone()))
            }
        };
        self.end_step(number, task);
    }

    async fn step_scheduled(&self, pick: Pick) {
        let Some((number, Slot::Scheduled(mut task))) = self.begin_step(pick) else { return };
        let _ = task.go.send(());
        let task = if task.paused.recv().await.is_some() {
            Slot::Scheduled(task)
        } else {
            // It has dropped its end of the channel, so it is over.
            let result = task.handle.await.map_err(tokio::task::JoinError::into_panic);
            Slot::Ended(if is_survival(result) { "done" } else { "failed" }, None)
        };
        self.end_step(number, task);
    }

    pub(super) fn cancel_all_by_hand(self: &Arc<Self>) {
        let count = self.state().tasks.len();
        for number in 0..count {
            self.cancel_by_hand(number);
        }
    }

    fn cancel_by_hand(&self, number: usize) {
        let task = std::mem::replace(&mut self.state().tasks[number], Slot::Running);
        if let Slot::Running = task {
            return self.log(format!("drop k{number}: running"));
        }
        drop(task);
        self.state().tasks[number] = Slot::Dropped;
        self.log(format!("drop k{number}: dropped"));
    }

    async fn cancel(&self, number: usize) {
        let task = std::mem::replace(&mut self.state().tasks[number], Slot::Running);
        match task {
            Slot::Running => return self.log(format!("drop k{number}: running")),
            Slot::Scheduled(task) => {
                task.handle.abort();
                let cancelled = task.handle.await.expect_err("it was paused");
                assert!(cancelled.is_cancelled(), "it was paused");
            }
            _ => {}
        }
        self.state().tasks[number] = Slot::Dropped;
        self.log(format!("drop k{number}: dropped"));
    }

    fn show_task(&self, pick: Pick) {
        let number = self.picked_task(pick).filter(|_| !self.runtime);
        let Some(number) = number else { return self.log("task: not to be seen") };
        let (how, context) = match &self.state().tasks[number] {
            Slot::ByHand(task) => ("paused", Some(task.context().clone())),
            Slot::Ended(how, context) => (*how, context.clone()),
            Slot::Dropped => ("dropped", None),
            Slot::Running | Slot::Scheduled(_) => ("running", None),
        };
        let context = context.as_ref().map_or_else(|| "not to be seen".to_owned(), shown::<T>);
        self.log(format!("k{number} ({how}): {context}"));
    }

    async fn blocking(self: &Arc<Self>, body: Vec<Step>) {
        self.log("blocking {");
        let machine = Arc::clone(self);
        let work = tokio::task::spawn_blocking(move || survives(|| machine.sync(&body, None)));
        let survived = work.await.unwrap_or_else(|error| panic::resume_unwind(error.into_panic()));
        self.log(format!("}} of blocking: {}", outcome(survived)));
    }
}
