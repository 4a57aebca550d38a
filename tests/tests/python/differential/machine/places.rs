//! The steps that have other steps run somewhere, where these cannot await.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

use contextvars::copy_context;

use super::super::program::{Look, Pick, Step, Var};
use super::super::variables::Sample;
use super::looks::shown;
use super::{AtEnd, Machine, outcome, picked, survives};

impl<T: Sample> Machine<T> {
    pub(super) fn run_somewhere(self: &Arc<Self>, step: &Step, here: Option<usize>) {
        match step {
            Step::Run(pick, body) => self.run(*pick, body),
            Step::Wrapped(look, body) => self.wrapped(*look, body, here),
            Step::RunCopy(body) => {
                self.log("own copy {");
                let mut copy = copy_context();
                copy.run(|| self.sync(body, None));
                self.log(format!("}} of own copy: {}", shown::<T>(&copy)));
            }
            Step::Scope(var, number, body) => {
                self.log(format!("scope of V{var} {{"));
                T::scope(*var, T::from_number(*number), || self.sync(body, None));
                self.log("} of scope");
            }
            Step::Guard(var, number, body) => self.guard(*var, *number, body, here),
            Step::Try(body) => {
                let survived = survives(|| self.sync(body, here));
                self.log(if survived { "not failed" } else { "caught" });
            }
            Step::Finally(body, cleanup) => {
                let _cleanup = self.at_end(cleanup, here);
                self.sync(body, here);
            }
            Step::Thread(body) => {
                self.log("thread {");
                let body = || survives(|| self.sync(body, None));
                let survived = thread::scope(|scope| scope.spawn(body).join());
                self.log(format!(
                    "}} of thread: {}",
                    outcome(survived.unwrap_or_else(|bug| panic::resume_unwind(bug)))
                ));
            }
            Step::InheritingThread(body) => {
                self.log("inheriting thread {");
                let body = || survives(|| self.sync(body, None));
                let survived = contextvars::thread::scope(|scope| scope.spawn(body).join());
                let survived = survived.unwrap_or_else(|bug| panic::resume_unwind(bug));
                self.log(format!("}} of inheriting thread: {}", outcome(survived)));
            }
            Step::LateThread(first, body) => self.late_thread(first, body, here),
            _ => unreachable!("{step:?} has no place of its own"),
        }
    }

    fn run(self: &Arc<Self>, pick: Pick, body: &[Step]) {
        let Some(number) = picked(pick, self.state().contexts.len()) else { return self.log("run: no context") };
        let context = self.state().contexts[number].clone();
        let ran = context.run(|| {
            self.log(format!("run c{number} {{"));
            self.sync(body, Some(number));
            self.log(format!("}} of c{number}"));
        });
        if ran.is_err() {
            self.log(format!("run c{number}: RuntimeError"));
        }
    }

    fn wrapped(self: &Arc<Self>, look: Look, body: &[Step], here: Option<usize>) {
        let (name, context) = self.seen(look, here);
        let Some(context) = context else { return self.log(format!("wrap in {name}: not to be seen")) };
        let wrapped = context.wrap(|| self.sync(body, None));
        for _ in 0..2 {
            self.log(format!("wrapped in {name} {{"));
            wrapped();
            self.log("} of wrapped");
        }
    }

    fn guard(self: &Arc<Self>, var: Var, number: i64, body: &[Step], here: Option<usize>) {
        self.log(format!("guard of V{var} {{"));
        let _then = AtEnd(|| self.get(var));
        let _guard = T::variables()[var].set_scoped(T::from_number(number));
        self.sync(body, here);
    }

    fn late_thread(self: &Arc<Self>, first: &[Step], body: &[Step], here: Option<usize>) {
        self.log("late thread, but first {");
        let (go, told) = channel();
        let (machine, body) = (Arc::clone(self), body.to_vec());
        let thread = contextvars::thread::spawn(move || {
            told.recv().expect("it is told to go on, whatever became of the first steps");
            survives(|| machine.sync(&body, None))
        });
        let first = panic::catch_unwind(AssertUnwindSafe(|| self.sync(first, here)));
        self.log("late thread {");
        go.send(()).expect("the thread waits");
        let survived = thread.join().unwrap_or_else(|bug| panic::resume_unwind(bug));
        self.log(format!("}} of late thread: {}", outcome(survived)));
        first.unwrap_or_else(|failure| panic::resume_unwind(failure));
    }

    /// Takes the steps when the result is dropped.
    pub(super) fn at_end<'a>(self: &'a Arc<Self>, cleanup: &'a [Step], here: Option<usize>) -> AtEnd<impl FnMut()> {
        AtEnd(move || {
            self.log("finally");
            self.sync(cleanup, here);
        })
    }
}
