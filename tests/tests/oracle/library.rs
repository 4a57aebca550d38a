//! The same programs on the library.

use std::cell::Cell;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread;

use contextvars::carry::{self, Carried};
use contextvars::{
    Context, ContextVar, SharedContext, Token, context_var, copy_context, inherit_context, with_context,
};

use super::program::{Act, DEFAULT, DEPTH, Event, Index, Made, Op, Place, Reactions, VARS as COUNT};

/// Runs the program on the library and returns what happened.
pub(crate) fn run(program: &[Op]) -> Vec<Event> {
    number_the_variables();
    carry::register::<State>();
    STATE.set(0);
    let log = Log::default();
    // In a context of its own, which the values that die last may set things in.
    Context::new().run(|| {
        let mut outermost = Context::new();
        outermost.run(|| {
            let mut machine = Machine { log: log.clone(), slots: Vec::new(), tokens: Vec::new() };
            let ended = machine.survives(program);
            log.push(Event::ProgramEnded(ended));
            machine.tokens.drain(..).for_each(drop);
            machine.slots.drain(..).for_each(drop);
        });
        drop(outermost);
    });
    log.take()
}

/// Contexts list their variables, and let them go, in the order of their first use: gives them that of their names.
fn number_the_variables() {
    static NUMBERED: Once = Once::new();
    NUMBERED.call_once(|| VARS.into_iter().for_each(|var| drop(Context::new().with(var, Item::silent(0)))));
}

thread_local! {
    static STATE: Cell<u32> = const { Cell::new(0) };
}

/// The state of a thread, as contexts carry it, unless it is 0. It lives as long as a value would.
struct State(u32);

impl Carried for State {
    type Undo = Box<u32>;

    fn capture() -> Option<Self> {
        Some(Self(STATE.get())).filter(|state| state.0 != 0)
    }

    fn is_current(&self) -> bool {
        self.0 == STATE.get()
    }

    fn enter(&self) -> Option<Box<u32>> {
        (!self.is_current()).then(|| Box::new(STATE.replace(self.0)))
    }

    fn leave(&self, before: Box<u32>) {
        STATE.set(*before);
    }
}

macro_rules! variables {
    ($($plain:ident $with_default:ident),*) => {
        $(
            #[context_var]
            static $plain: Item;
            #[context_var(default = Item::silent(DEFAULT))]
            static $with_default: Item;
        )*
        static VARS: [&ContextVar<Item>; COUNT] = [$(&$plain, &$with_default),*];
    };
}

variables!(V0 V1, V2 V3, V4 V5, V6 V7, V8 V9, V10 V11, V12 V13, V14 V15, V16 V17, V18 V19);

/// What happened so far.
#[derive(Clone, Default)]
struct Log {
    events: Arc<Mutex<Vec<Event>>>,
    /// How many values are reacting, each to what the one before does.
    reacting: Arc<AtomicUsize>,
}

impl Log {
    fn push(&self, event: Event) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A value that reacts to what is done with it.
struct Item {
    number: u32,
    soul: Option<(Reactions, Log)>,
}

impl Item {
    /// One that does not react, nor tells when it dies.
    const fn silent(number: u32) -> Self {
        Self { number, soul: None }
    }

    fn react(&self, which: impl FnOnce(&Reactions) -> &Vec<Act>) {
        if let Some((reactions, log)) = &self.soul {
            if log.reacting.fetch_add(1, Ordering::SeqCst) < DEPTH {
                acts(log, which(reactions));
            }
            log.reacting.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        if let Some((_, log)) = &self.soul {
            log.push(Event::Dropped(self.number));
        }
        self.react(|reactions| &reactions.drop);
        // A read of it would now show.
        self.number = u32::MAX;
    }
}

impl Clone for Item {
    fn clone(&self) -> Self {
        self.react(|reactions| &reactions.clone);
        Self::silent(self.number)
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.react(|reactions| &reactions.debug);
        write!(f, "{}", self.number)
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.react(|reactions| &reactions.eq);
        self.number == other.number
    }
}

fn acts(log: &Log, acts: &[Act]) {
    for act in acts {
        match *act {
            Act::Get(var) => get(log, var),
            Act::Set(var, number) => {
                VARS[var].set(Item::silent(number));
                log.push(Event::Set(var));
            }
            Act::SetAndReset(var, number) => {
                let token = VARS[var].set(Item::silent(number));
                VARS[var].reset(token).expect("the context is the same");
                log.push(Event::Reset);
            }
            Act::SetWhileReading(var, number) => {
                let read = VARS[var].try_with(|item| {
                    VARS[var].set(Item::silent(number));
                    log.push(Event::ReadingEnded(item.number));
                });
                if read.is_err() {
                    log.push(Event::Unset);
                }
            }
            Act::SetInCopy(var, number) => set_in(log, copy_context(), var, number),
            Act::SetInNew(var, number) => set_in(log, Context::new(), var, number),
            Act::Look => show(log, copy_context()),
        }
    }
}

fn get(log: &Log, var: usize) {
    let number = VARS[var].try_get().ok().map(|item| item.number);
    log.push(Event::Got(var, number));
}

fn set_in(log: &Log, mut context: Context, var: usize, number: u32) {
    context.run(|| {
        VARS[var].set(Item::silent(number));
        get(log, var);
    });
    drop(context);
    get(log, var);
}

#[expect(clippy::needless_pass_by_value, reason = "what the context holds may die with it, and that is watched")]
fn show(log: &Log, context: Context) {
    let shown = format!("{context:?}");
    log.push(Event::Shown(format!("{} {shown}", context.len())));
}

struct Failed;

struct Machine {
    log: Log,
    slots: Vec<SharedContext>,
    tokens: Vec<Token<Item>>,
}

impl Machine {
    fn item(&self, made: &Made) -> Item {
        Item { number: made.number, soul: Some((made.reactions.clone(), self.log.clone())) }
    }

    /// Runs the steps and catches a failure; whether there was none.
    fn survives(&mut self, steps: &[Op]) -> bool {
        match panic::catch_unwind(AssertUnwindSafe(|| self.steps(steps))) {
            Ok(()) => true,
            Err(failure) if failure.is::<Failed>() => false,
            Err(bug) => panic::resume_unwind(bug),
        }
    }

    fn steps(&mut self, steps: &[Op]) {
        for step in steps {
            self.step(step);
        }
    }

    fn slot(&self, index: Index) -> Option<SharedContext> {
        (!self.slots.is_empty()).then(|| index.get(&self.slots).clone())
    }

    fn token(&self, index: Index) -> Option<usize> {
        (!self.tokens.is_empty()).then(|| index.index(self.tokens.len()))
    }

    fn step(&mut self, step: &Op) {
        match step {
            Op::Get(var) => get(&self.log, *var),
            Op::GetOr(var) => {
                let got = VARS[*var].get_or_else(|| Item::silent(7));
                self.log.push(Event::Got(*var, Some(got.number)));
            }
            Op::Set(var, made) => {
                let token = VARS[*var].set(self.item(made));
                self.log.push(Event::Set(*var));
                self.tokens.push(token);
            }
            Op::SetAndForget(var, made) => {
                VARS[*var].set(self.item(made));
                self.log.push(Event::Set(*var));
            }
            Op::Reset(index, other) => {
                let Some(at) = self.token(*index) else { return };
                let token = self.tokens.remove(at);
                match other.map_or(token.var(), |other| VARS[other]).reset(token) {
                    Ok(()) => self.log.push(Event::Reset),
                    Err(error) => {
                        let wrong_variable = error.is_wrong_variable();
                        self.log.push(if wrong_variable { Event::WrongVariable } else { Event::WrongContext });
                        self.tokens.insert(at, error.into_token());
                    }
                }
            }
            Op::OldValue(index) => {
                let Some(at) = self.token(*index) else { return };
                let token = &self.tokens[at];
                let var = VARS.iter().position(|var| std::ptr::eq(*var, token.var())).expect("it is one of these");
                self.log.push(Event::OldValue(var, token.old_value().map(|old| old.number)));
            }
            Op::DropToken(index) => {
                let Some(at) = self.token(*index) else { return };
                drop(self.tokens.remove(at));
            }
            Op::CopyContext => self.slots.push(copy_context().into()),
            Op::InheritContext => self.slots.push(inherit_context().into()),
            Op::SetState(state) => STATE.set(*state),
            Op::LookAtState => self.log.push(Event::State(STATE.get())),
            Op::NewContext => self.slots.push(SharedContext::new()),
            Op::DropContext(index) => {
                if !self.slots.is_empty() {
                    let at = index.index(self.slots.len());
                    drop(self.slots.remove(at));
                }
            }
            Op::Look => show(&self.log, copy_context()),
            Op::CloneContext(index) | Op::LookAt(index) | Op::Compare(index) => {
                let Some(context) = self.slot(*index) else { return };
                let Ok(copy) = context.copy() else { return self.log.push(Event::Busy) };
                match step {
                    Op::CloneContext(_) => self.slots.push(copy.into()),
                    Op::LookAt(_) => show(&self.log, copy),
                    _ => {
                        let current = copy_context();
                        self.log.push(Event::Equal(copy == current));
                        drop(copy);
                        drop(current);
                    }
                }
            }
            Op::In(place, body) => self.step_in(place, body),
            Op::Fail => panic::resume_unwind(Box::new(Failed)),
        }
    }

    fn step_in(&mut self, place: &Place, body: &[Op]) {
        let log = self.log.clone();
        match place {
            Place::With(var) => {
                let read = VARS[*var].try_with(|item| {
                    log.push(Event::ReadingBegan(item.number));
                    self.steps(body);
                    log.push(Event::ReadingEnded(item.number));
                });
                if read.is_err() {
                    log.push(Event::Unset);
                }
            }
            Place::Run(index) => {
                let Some(context) = self.slot(*index) else { return };
                let ran = context.run(|| self.steps(body));
                log.push(if ran.is_ok() { Event::Ran } else { Event::Busy });
            }
            Place::OwnCopy => {
                let mut context = copy_context();
                context.run(|| self.steps(body));
                show(&log, context.clone());
                drop(context);
            }
            Place::Scope(first, second) => {
                with_context!(V0 = self.item(first), V1 = self.item(second), { self.steps(body) });
            }
            Place::Guard(var, made) => {
                let _guard = VARS[*var].set_scoped(self.item(made));
                self.steps(body);
            }
            Place::Catch => {
                let caught = !self.survives(body);
                log.push(Event::Caught(caught));
            }
            Place::Thread => {
                let survived = thread::scope(|scope| scope.spawn(|| self.survives(body)).join());
                log.push(Event::ThreadEnded(!survived.expect("failures are caught in the thread")));
            }
        }
    }
}
