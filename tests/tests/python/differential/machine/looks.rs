//! The steps that look at contexts.

use std::sync::Arc;

use contextvars::{Context, ValueRef, copy_context};

use super::super::program::{Look, Step, Var};
use super::super::variables::Sample;
use super::{Machine, picked};

impl<T: Sample> Machine<T> {
    pub(super) fn look_at(self: &Arc<Self>, step: &Step, here: Option<usize>) {
        match step {
            Step::Clone(look) => match self.seen(*look, here) {
                (_, Some(context)) => self.keep("clone", context),
                (name, None) => self.log(format!("clone {name}: not to be seen")),
            },
            Step::Contains(look, var) => {
                let name = self.name(*look);
                self.say(&format!("V{var} in {name}"), *look, here, |context| contains::<T>(context, *var).to_string());
            }
            Step::Item(look, var) => {
                let name = self.name(*look);
                self.say(&format!("{name}[V{var}]"), *look, here, |context| item::<T>(context, *var));
            }
            Step::Lookup(look, var) => {
                let name = self.name(*look);
                self.say(&format!("{name}.get(V{var})"), *look, here, |context| lookup::<T>(context, *var));
            }
            Step::Len(look) => {
                let name = self.name(*look);
                self.say(&format!("len({name})"), *look, here, |context| context.len().to_string());
            }
            Step::Keys(look) => {
                let name = self.name(*look);
                self.say(&format!("keys of {name}"), *look, here, keys);
            }
            Step::Values(look) => {
                let name = self.name(*look);
                self.say(&format!("values of {name}"), *look, here, values::<T>);
            }
            Step::Items(look) => {
                let name = self.name(*look);
                self.say(&name, *look, here, shown::<T>);
            }
            Step::Equal(left, right) => {
                let ((left_name, left), (right_name, right)) = (self.seen(*left, here), self.seen(*right, here));
                let equal = left.zip(right).map(|(left, right)| (left == right).to_string());
                let said = equal.unwrap_or_else(|| "not to be seen".to_owned());
                self.log(format!("{left_name} == {right_name}: {said}"));
            }
            Step::Diff(before, after) => {
                let ((before_name, before), (after_name, after)) = (self.seen(*before, here), self.seen(*after, here));
                let changes = before.zip(after).map(|(before, after)| changes::<T>(&before, &after));
                let said = changes.unwrap_or_else(|| "not to be seen".to_owned());
                self.log(format!("{before_name} to {after_name}: {said}"));
            }
            _ => unreachable!("{step:?} does not look at a context"),
        }
    }

    fn name(&self, look: Look) -> String {
        let Some(pick) = look else { return "current".to_owned() };
        picked(pick, self.state().contexts.len()).map_or_else(|| "c?".to_owned(), |number| format!("c{number}"))
    }

    /// A context's name and a copy of it: one that is entered cannot be seen, but for the current one.
    pub(super) fn seen(&self, look: Look, here: Option<usize>) -> (String, Option<Context>) {
        let name = self.name(look);
        let Some(pick) = look else { return (name, Some(copy_context())) };
        let Some(number) = picked(pick, self.state().contexts.len()) else { return (name, None) };
        let context = self.state().contexts[number].clone();
        let copy = context.copy().ok().or_else(|| (here == Some(number)).then(copy_context));
        (name, copy)
    }

    fn say(&self, what: &str, look: Look, here: Option<usize>, tell: impl FnOnce(&Context) -> String) {
        let (_, context) = self.seen(look, here);
        let said = context.as_ref().map_or_else(|| "not to be seen".to_owned(), tell);
        self.log(format!("{what}: {said}"));
    }
}

fn contains<T: Sample>(context: &Context, var: Var) -> bool {
    context.contains(T::variables()[var])
}

fn item<T: Sample>(context: &Context, var: Var) -> String {
    let var = T::variables()[var];
    if context.contains(var) { format!("{:?}", context[var]) } else { "KeyError".to_owned() }
}

fn lookup<T: Sample>(context: &Context, var: Var) -> String {
    context.get(T::variables()[var]).map_or_else(|| "null".to_owned(), |value| format!("{value:?}"))
}

fn keys(context: &Context) -> String {
    sorted(context.keys().map(|variable| variable.name().to_owned()))
}

fn values<T: Sample>(context: &Context) -> String {
    sorted(context.values().map(|value| format!("{:?}", value.downcast_ref::<T>().expect("there are no other types"))))
}

/// The variables with their values, by name.
pub(super) fn shown<T: Sample>(context: &Context) -> String {
    sorted(context.iter().map(|(variable, value)| format!("{}={value:?}", variable.name())))
}

/// What changed, by the names of the variables.
fn changes<T: Sample>(before: &Context, after: &Context) -> String {
    let diff = before.diff(after);
    assert_eq!(diff.is_empty(), before == after);
    assert_eq!(diff.len(), diff.iter().count());
    // A variable of the one context is among the first changes, and one of the other alone is among the last.
    assert!(diff.iter().is_sorted_by_key(|change| change.before().is_none()));
    let value = |value: ValueRef<'_>| format!("{:?}", value.downcast_ref::<T>().expect("there are no other types"));
    sorted(diff.iter().map(|change| {
        let name = change.variable().name();
        match (change.before().map(value), change.after().map(value)) {
            (Some(before), Some(after)) => format!("{name}={before}->{after}"),
            (Some(before), None) => format!("{name}={before}->"),
            (None, Some(after)) => format!("{name}=->{after}"),
            (None, None) => format!("{name} did not change"),
        }
    }))
}

fn sorted(words: impl Iterator<Item = String>) -> String {
    let mut words: Vec<String> = words.collect();
    words.sort_unstable();
    words.join(" ")
}
