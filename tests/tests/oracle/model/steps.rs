//! The steps of a program on the model.

use std::cell::{Cell, RefCell};
use std::mem;
use std::rc::Rc;

use super::super::program::{Event, Index, Made, Op, Place};
use super::{Context, Model, Value, Values};

/// A panic on its way out.
pub(super) struct Failed;

impl Model {
    /// Runs steps in a context, and leaves it however they end.
    fn run_in(&mut self, context: &Rc<Context>, body: &[Op]) -> Result<(), Failed> {
        context.entered.set(true);
        self.current.push(context.clone());
        let carried = context.carried.get();
        // Where it is so already, there is nothing to bring back.
        let before = (carried != 0 && carried != self.state).then(|| mem::replace(&mut self.state, carried));
        let result = self.steps(body);
        self.state = before.unwrap_or(self.state);
        self.current.pop();
        context.entered.set(false);
        result
    }

    pub(super) fn steps(&mut self, steps: &[Op]) -> Result<(), Failed> {
        steps.iter().try_for_each(|step| self.step(step))
    }

    fn slot(&self, index: Index) -> Option<Rc<Context>> {
        (!self.slots.is_empty()).then(|| index.get(&self.slots).clone())
    }

    fn token(&self, index: Index) -> Option<usize> {
        (!self.tokens.is_empty()).then(|| index.index(self.tokens.len()))
    }

    fn step(&mut self, step: &Op) -> Result<(), Failed> {
        match step {
            Op::Get(var) => self.get(*var),
            Op::GetOr(var) => {
                if self.current().values.borrow().contains_key(var) {
                    self.get(*var);
                } else {
                    self.log.push(Event::Got(*var, Some(7)));
                }
            }
            Op::Set(var, made) => {
                let token = self.set(*var, value_of(made));
                self.log.push(Event::Set(*var));
                self.tokens.push(token);
            }
            Op::SetAndForget(var, made) => {
                let token = self.set(*var, value_of(made));
                self.release_token(token);
                self.log.push(Event::Set(*var));
            }
            Op::Reset(index, other) => {
                let Some(at) = self.token(*index) else { return Ok(()) };
                let token = self.tokens.remove(at);
                match self.reset(other.unwrap_or(token.var), token) {
                    Ok(()) => self.log.push(Event::Reset),
                    Err((error, token)) => {
                        self.log.push(error);
                        self.tokens.insert(at, token);
                    }
                }
            }
            Op::OldValue(index) => {
                let Some(at) = self.token(*index) else { return Ok(()) };
                let token = &self.tokens[at];
                self.log.push(Event::OldValue(token.var, token.old.as_ref().map(|old| old.number)));
            }
            Op::DropToken(index) => {
                let Some(at) = self.token(*index) else { return Ok(()) };
                let token = self.tokens.remove(at);
                self.release_token(token);
            }
            Op::CopyContext => {
                let copy = self.new_context(self.copy_context());
                self.slots.push(copy);
            }
            Op::InheritContext => {
                let child = self.new_context(self.copy_context());
                child.carried.set(self.state);
                self.slots.push(child);
            }
            Op::SetState(state) => self.state = *state,
            Op::LookAtState => self.log.push(Event::State(self.state)),
            Op::NewContext => {
                let new = self.new_context(Values::new());
                self.slots.push(new);
            }
            Op::DropContext(index) => {
                if !self.slots.is_empty() {
                    let context = self.slots.remove(index.index(self.slots.len()));
                    self.release_context(context);
                }
            }
            Op::Look => {
                let shown = self.copy_context();
                self.show(shown);
            }
            Op::CloneContext(index) | Op::LookAt(index) | Op::Compare(index) => {
                let Some(context) = self.slot(*index) else { return Ok(()) };
                if context.entered.get() {
                    self.log.push(Event::Busy);
                    return Ok(());
                }
                let copy = context.values.borrow().clone();
                match step {
                    Op::CloneContext(_) => {
                        let copy = self.new_context(copy);
                        copy.carried.set(context.carried.get());
                        self.slots.push(copy);
                    }
                    Op::LookAt(_) => self.show(copy),
                    _ => self.compare(copy, self.copy_context()),
                }
            }
            Op::In(place, body) => return self.step_in(place, body),
            Op::Fail => return Err(Failed),
        }
        Ok(())
    }

    fn step_in(&mut self, place: &Place, body: &[Op]) -> Result<(), Failed> {
        match place {
            Place::With(var) => {
                let Some(value) = self.lookup(*var) else {
                    self.log.push(Event::Unset);
                    return Ok(());
                };
                self.log.push(Event::ReadingBegan(value.number));
                let result = self.steps(body);
                if result.is_ok() {
                    self.log.push(Event::ReadingEnded(value.number));
                }
                self.release(value);
                result
            }
            Place::Run(index) => {
                let Some(context) = self.slot(*index) else { return Ok(()) };
                if context.entered.get() {
                    self.log.push(Event::Busy);
                    return Ok(());
                }
                let result = self.run_in(&context, body);
                if result.is_ok() {
                    self.log.push(Event::Ran);
                }
                self.release_context(context);
                result
            }
            Place::OwnCopy => {
                let context = self.new_context(self.copy_context());
                let result = self.run_in(&context, body);
                if result.is_ok() {
                    let copy = context.values.borrow().clone();
                    self.show(copy);
                }
                self.release_context(context);
                result
            }
            Place::Scope(first, second) => {
                // A scope's bindings live as long as the scope, whatever its body sets.
                let bound = [first, second].map(|made| Rc::new(value_of(made)));
                let values = self.copy_context().update(0, bound[0].clone());
                let context = self.new_context(values.update(1, bound[1].clone()));
                drop(values);
                let result = self.run_in(&context, body);
                self.release_context(context);
                self.in_empty_context(|model| bound.into_iter().for_each(|value| model.release(value)));
                result
            }
            Place::Guard(var, made) => {
                let token = self.set(*var, value_of(made));
                let result = self.steps(body);
                assert!(self.reset(*var, token).is_ok(), "the context is the same");
                result
            }
            Place::Catch => {
                let failed = self.steps(body).is_err();
                self.log.push(Event::Caught(failed));
                Ok(())
            }
            Place::Thread => {
                let base = self.new_context(Values::new());
                let outer = mem::replace(&mut self.current, vec![base.clone()]);
                let state = mem::take(&mut self.state);
                let failed = self.steps(body).is_err();
                let values = base.values.replace(Values::new());
                let gone = Context {
                    identity: base.identity,
                    values: RefCell::default(),
                    entered: Cell::new(true),
                    carried: Cell::new(0),
                    gone: true,
                };
                self.current = vec![Rc::new(gone)];
                self.release_all(values);
                self.current = outer;
                self.state = state;
                self.log.push(Event::ThreadEnded(failed));
                Ok(())
            }
        }
    }
}

fn value_of(made: &Made) -> Value {
    Value { number: made.number, reactions: Some(made.reactions.clone()) }
}
