//! The model: contexts as PEP 567 describes them, each a persistent map that a set replaces.
//!
//! Values are counted, and the code that lets one go says so ([`Model::release`]), so that the model knows when a value dies.

mod steps;

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::mem;
use std::rc::Rc;

use im::HashMap;

use super::program::{Act, DEFAULT, DEPTH, Event, Op, Reactions};

/// Runs the program on the model and returns what happened.
pub(crate) fn run(program: &[Op]) -> Vec<Event> {
    let mut model = Model {
        log: Vec::new(),
        current: Vec::new(),
        slots: Vec::new(),
        tokens: Vec::new(),
        contexts: 0,
        reacting: 0,
        state: 0,
    };
    let outermost = model.new_context(Values::new());
    model.current.push(outermost);
    let ended = model.steps(program).is_ok();
    model.log.push(Event::ProgramEnded(ended));
    for token in mem::take(&mut model.tokens) {
        model.release_token(token);
    }
    for context in mem::take(&mut model.slots) {
        model.release_context(context);
    }
    // The outermost context is left before it goes.
    let thread = model.new_context(Values::new());
    let outermost = mem::replace(&mut model.current, vec![thread]);
    for context in outermost {
        model.release_context(context);
    }
    model.log
}

type Values = HashMap<usize, Rc<Value>>;

struct Value {
    number: u32,
    /// `None` for values that keep silent: defaults, clones, and what acts set.
    reactions: Option<Reactions>,
}

struct Context {
    identity: usize,
    values: RefCell<Values>,
    entered: Cell<bool>,
    /// The state that it carries; 0: none.
    carried: Cell<u32>,
    /// Whether its thread is going away, which loses what is set.
    gone: bool,
}

struct Token {
    var: usize,
    old: Option<Rc<Value>>,
    context: usize,
}

struct Model {
    log: Vec<Event>,
    /// The contexts entered on the thread at hand, the current one last.
    current: Vec<Rc<Context>>,
    slots: Vec<Rc<Context>>,
    tokens: Vec<Token>,
    contexts: usize,
    /// How many values are reacting, each to what the one before does.
    reacting: usize,
    /// The state of the thread at hand.
    state: u32,
}

impl Model {
    fn new_context(&mut self, values: Values) -> Rc<Context> {
        self.contexts += 1;
        let values = RefCell::new(values);
        Rc::new(Context {
            identity: self.contexts,
            values,
            entered: Cell::new(false),
            carried: Cell::new(0),
            gone: false,
        })
    }

    fn current(&self) -> Rc<Context> {
        self.current.last().expect("a context is always current").clone()
    }

    fn copy_context(&self) -> Values {
        self.current().values.borrow().clone()
    }

    /// The variable's value in the current context or its default.
    fn lookup(&self, var: usize) -> Option<Rc<Value>> {
        let set = self.current().values.borrow().get(&var).cloned();
        set.or_else(|| (var % 2 == 1).then(|| Rc::new(Value { number: DEFAULT, reactions: None })))
    }

    fn set(&mut self, var: usize, value: Value) -> Token {
        let current = self.current();
        let mut old = None;
        if current.gone {
            self.release(Rc::new(value));
        } else {
            let updated = current.values.borrow().update(var, Rc::new(value));
            old = current.values.replace(updated).get(&var).cloned();
        }
        Token { var, old, context: current.identity }
    }

    fn reset(&mut self, var: usize, token: Token) -> Result<(), (Event, Token)> {
        let current = self.current();
        if token.var != var {
            return Err((Event::WrongVariable, token));
        }
        if token.context != current.identity {
            return Err((Event::WrongContext, token));
        }
        let before = current.values.borrow().clone();
        let after = match token.old {
            Some(old) => before.update(var, old),
            None => before.without(&var),
        };
        let replaced = before.get(&var).cloned();
        drop(before);
        drop(current.values.replace(after));
        if let Some(replaced) = replaced {
            self.release(replaced);
        }
        Ok(())
    }

    /// Gives up a hold on a value, which dies if that was the last.
    fn release(&mut self, value: Rc<Value>) {
        let Some(Value { number, reactions: Some(reactions) }) = Rc::into_inner(value) else { return };
        self.log.push(Event::Dropped(number));
        self.acts(&reactions.drop);
    }

    fn release_all(&mut self, values: Values) {
        let mut held: Vec<_> = values.iter().map(|(&var, value)| (var, value.clone())).collect();
        held.sort_unstable_by_key(|(var, _)| *var);
        drop(values);
        for (_, value) in held {
            self.release(value);
        }
    }

    /// Gives up a hold on a context, whose values go in an empty one if that was the last.
    fn release_context(&mut self, context: Rc<Context>) {
        if let Some(context) = Rc::into_inner(context) {
            self.release_copy(context.values.into_inner());
        }
    }

    /// As for a context, of which this is the last copy.
    fn release_copy(&mut self, values: Values) {
        self.in_empty_context(|model| model.release_all(values));
    }

    /// What `f` sets in the empty context goes in the same way.
    fn in_empty_context(&mut self, f: impl FnOnce(&mut Self)) {
        let empty = self.new_context(Values::new());
        self.current.push(empty.clone());
        f(self);
        self.current.pop();
        let left = empty.values.take();
        if !left.is_empty() {
            self.release_copy(left);
        }
    }

    fn release_token(&mut self, token: Token) {
        let Some(old) = token.old else { return };
        // Away from where it was made, it goes as a context would.
        if token.context == self.current().identity {
            self.release(old);
        } else {
            self.in_empty_context(|model| model.release(old));
        }
    }

    fn acts(&mut self, acts: &[Act]) {
        self.reacting += 1;
        if self.reacting <= DEPTH {
            for act in acts {
                self.act(act);
            }
        }
        self.reacting -= 1;
    }

    fn act(&mut self, act: &Act) {
        let silent = |number| Value { number, reactions: None };
        match *act {
            Act::Get(var) => self.get(var),
            Act::Set(var, number) => {
                let token = self.set(var, silent(number));
                self.release_token(token);
                self.log.push(Event::Set(var));
            }
            Act::SetAndReset(var, number) => {
                let token = self.set(var, silent(number));
                assert!(self.reset(var, token).is_ok(), "the context is the same");
                self.log.push(Event::Reset);
            }
            Act::SetWhileReading(var, number) => match self.lookup(var) {
                Some(value) => {
                    let token = self.set(var, silent(number));
                    self.release_token(token);
                    self.log.push(Event::ReadingEnded(value.number));
                    self.release(value);
                }
                None => self.log.push(Event::Unset),
            },
            Act::SetInCopy(var, number) => self.set_in(self.copy_context(), var, silent(number)),
            Act::SetInNew(var, number) => self.set_in(Values::new(), var, silent(number)),
            Act::Look => {
                let shown = self.copy_context();
                self.show(shown);
            }
        }
    }

    fn set_in(&mut self, values: Values, var: usize, value: Value) {
        let context = self.new_context(values);
        self.current.push(context.clone());
        let token = self.set(var, value);
        self.release_token(token);
        self.get(var);
        self.current.pop();
        self.release_context(context);
        self.get(var);
    }

    /// Reads a clone of the value, which the value may react to.
    fn get(&mut self, var: usize) {
        let value = self.lookup(var);
        let number = value.as_ref().map(|value| value.number);
        if let Some(value) = value {
            if let Some(reactions) = &value.reactions {
                self.acts(&reactions.clone);
            }
            self.release(value);
        }
        self.log.push(Event::Got(var, number));
    }

    fn show(&mut self, values: Values) {
        let mut entries: Vec<_> = values.iter().map(|(&var, value)| (var, value.clone())).collect();
        entries.sort_unstable_by_key(|(var, _)| *var);
        let mut shown = String::new();
        for (var, value) in &entries {
            let _ = write!(shown, "{}V{var}: {}", if shown.is_empty() { "" } else { ", " }, value.number);
            if let Some(reactions) = &value.reactions {
                self.acts(&reactions.debug);
            }
        }
        drop(entries);
        self.log.push(Event::Shown(format!("{} {{{shown}}}", values.len())));
        self.release_copy(values);
    }

    fn compare(&mut self, left: Values, right: Values) {
        let mut entries: Vec<_> = left.iter().map(|(&var, value)| (var, value.clone())).collect();
        entries.sort_unstable_by_key(|(var, _)| *var);
        let mut equal = left.len() == right.len();
        for (var, value) in &entries {
            let Some(counterpart) = right.get(var).filter(|_| equal) else {
                equal = false;
                continue;
            };
            // A value equals itself, and is not asked.
            if Rc::ptr_eq(counterpart, value) {
                continue;
            }
            equal = counterpart.number == value.number;
            if let Some(reactions) = &value.reactions {
                self.acts(&reactions.eq);
            }
        }
        drop(entries);
        self.log.push(Event::Equal(equal));
        self.release_copy(left);
        self.release_copy(right);
    }
}
