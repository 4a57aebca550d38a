//! Runs programs on this library. What it does and traces is what `python/interpreter.py` does and traces.

mod looks;
mod places;
mod tasks;

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use contextvars::{Context, SharedContext, Token, copy_context};

use self::tasks::Slot;
use super::program::{Pick, Program, Step, Var};
use super::variables::{self, Sample};

/// Runs the program and returns its trace.
pub(crate) fn run(program: &Program) -> Vec<String> {
    variables::spread();
    if program.text { run_on::<String>(program) } else { run_on::<i64>(program) }
}

fn run_on<T: Sample>(program: &Program) -> Vec<String> {
    let state: State<T> = State { trace: Vec::new(), contexts: Vec::new(), tokens: Vec::new(), tasks: Vec::new() };
    let machine = Arc::new(Machine { runtime: program.runtime, state: Mutex::new(state) });
    let run = || {
        if program.runtime {
            tasks::run_on_runtime(&machine, program);
        } else {
            let survived = survives(|| machine.sync(&program.body, None));
            machine.log(format!("end: {}", outcome(survived)));
            machine.cancel_all_by_hand();
        }
    };
    if let Err(bug) = panic::catch_unwind(AssertUnwindSafe(|| Context::new().run(run))) {
        machine.log(format!("a panic of the library: {}", message(&*bug)));
    }
    std::mem::take(&mut machine.state().trace)
}

/// What `Fail` panics with.
struct Failure;

/// Calls `f`; whether it did not fail.
fn survives(f: impl FnOnce()) -> bool {
    is_survival(panic::catch_unwind(AssertUnwindSafe(f)))
}

/// Whether this is not a failure. Any other panic goes on.
fn is_survival(result: thread::Result<()>) -> bool {
    match result {
        Ok(()) => true,
        Err(payload) if payload.is::<Failure>() => false,
        Err(bug) => panic::resume_unwind(bug),
    }
}

fn outcome(survived: bool) -> &'static str {
    if survived { "ok" } else { "failed" }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("of another kind")
}

/// The number of one of several things, counted from the last.
fn picked(pick: Pick, among: usize) -> Option<usize> {
    (among > 0).then(|| among - 1 - pick % among)
}

struct Machine<T: Sample> {
    /// Whether tasks are tokio's.
    runtime: bool,
    /// Never locked while a step is under way.
    state: Mutex<State<T>>,
}

struct State<T: Sample> {
    trace: Vec<String>,
    contexts: Vec<SharedContext>,
    tokens: Vec<Kept<T>>,
    tasks: Vec<Slot>,
}

/// Does something when it goes, however that comes.
struct AtEnd<F: FnMut()>(F);

impl<F: FnMut()> Drop for AtEnd<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl<T: Sample> Machine<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, line: impl Into<String>) {
        self.state().trace.push(line.into());
    }

    /// Takes steps that cannot await, in the context number `here` if it is one of those with a number.
    fn sync(self: &Arc<Self>, body: &[Step], here: Option<usize>) {
        for step in body {
            self.step(step, here);
        }
    }

    fn step(self: &Arc<Self>, step: &Step, here: Option<usize>) {
        let variables = T::variables();
        match step {
            Step::Get(var) => self.get(*var),
            Step::GetOr(var, number) => {
                let got = variables[*var].get_or(T::from_number(*number));
                self.log(format!("get V{var} or: {got:?}"));
            }
            Step::Set(var, number) => {
                let token = variables[*var].set(T::from_number(*number));
                let number = self.state().tokens.len();
                self.state().tokens.push(Kept::Token(token));
                self.log(format!("set V{var}: t{number}"));
            }
            Step::Reset(var, pick) => self.reset(Some(*var), *pick),
            Step::ResetOwn(pick) => self.reset(None, *pick),
            Step::Unset(var) => self.unset(*var),
            Step::Token(pick) => self.show_token(*pick),
            Step::Copy => self.keep("copy", copy_context()),
            Step::New => self.keep("new", Context::new()),
            Step::Clone(..)
            | Step::Contains(..)
            | Step::Item(..)
            | Step::Lookup(..)
            | Step::Len(..)
            | Step::Keys(..)
            | Step::Values(..)
            | Step::Items(..)
            | Step::Equal(..)
            | Step::Diff(..) => self.look_at(step, here),
            Step::Fail => {
                self.log("fail");
                // Without the hook that reports panics: they are expected.
                panic::resume_unwind(Box::new(Failure));
            }
            Step::Spawn(..) | Step::Resume(..) | Step::Yield | Step::Drop(..) | Step::Task(..) | Step::Blocking(..) => {
                self.step_of_tasks(step);
            }
            _ => self.run_somewhere(step, here),
        }
    }

    fn get(&self, var: Var) {
        match T::variables()[var].try_get() {
            Ok(value) => self.log(format!("get V{var}: {value:?}")),
            Err(_) => self.log(format!("get V{var}: LookupError")),
        }
    }

    fn reset(&self, var: Option<Var>, pick: Pick) {
        let Some(number) = picked(pick, self.state().tokens.len()) else { return self.log("reset: no token") };
        let own = self.state().tokens[number].var();
        let var = var.unwrap_or(own);
        let outcome = self.reset_with(var, number);
        self.log(format!("reset V{var} with t{number}: {outcome}"));
    }

    /// Tries the tokens that would make the variable unset, from the last one on.
    fn unset(&self, var: Var) {
        let count = self.state().tokens.len();
        for number in (0..count).rev() {
            let is_one = match &self.state().tokens[number] {
                Kept::Token(token) => std::ptr::eq(token.var(), T::variables()[var]) && token.old_value().is_none(),
                Kept::Used(_) => false,
            };
            if is_one && self.reset_with(var, number) == "ok" {
                return self.log(format!("unset V{var}: t{number}"));
            }
        }
        self.log(format!("unset V{var}: no token"));
    }

    fn reset_with(&self, var: Var, number: usize) -> &'static str {
        let own = self.state().tokens[number].var();
        let token = std::mem::replace(&mut self.state().tokens[number], Kept::Used(own));
        match token {
            Kept::Used(_) => "RuntimeError",
            Kept::Token(token) => match T::variables()[var].reset(token) {
                Ok(()) => "ok",
                Err(error) => {
                    let by_variable = error.is_wrong_variable();
                    self.state().tokens[number] = Kept::Token(error.into_token());
                    if by_variable { "ValueError: variable" } else { "ValueError: context" }
                }
            },
        }
    }

    fn show_token(&self, pick: Pick) {
        let Some(number) = picked(pick, self.state().tokens.len()) else { return self.log("token: no token") };
        let shown = match &self.state().tokens[number] {
            Kept::Used(var) => format!("V{var}: used"),
            Kept::Token(token) => match token.old_value() {
                Some(old) => format!("{}: {old:?}", token.var().name()),
                None => format!("{}: missing", token.var().name()),
            },
        };
        self.log(format!("t{number} of {shown}"));
    }

    fn keep(&self, how: &str, context: Context) {
        let number = self.state().contexts.len();
        self.state().contexts.push(context.into());
        self.log(format!("{how}: c{number}"));
    }
}

/// A token, or the variable it was of: to use one twice cannot be written.
enum Kept<T: Sample> {
    Token(Token<T>),
    Used(Var),
}

impl<T: Sample> Kept<T> {
    fn var(&self) -> Var {
        match self {
            Self::Used(var) => *var,
            Self::Token(token) => {
                let var = T::variables().into_iter().position(|it| std::ptr::eq(it, token.var()));
                var.expect("it is one of these")
            }
        }
    }
}
