use std::panic;

use contextvars::context_var;

use super::super::value::Value;
use super::super::{Entered, State};
use super::{more_identities, with_current};

#[context_var]
static NUMBER: u64;

/// Prints no panics of scopes that end in another context.
fn expect_scopes_elsewhere() {
    let others = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !info.to_string().contains("ended in another context") {
            others(info);
        }
    }));
}

#[test]
fn runs_of_identities_hold_some_and_do_not_overlap() {
    // Other tests take runs meanwhile, which lie between these.
    let runs: Vec<_> = (0..3).map(|_| more_identities()).collect();
    assert!(runs.iter().all(|(first, end)| (1..*end).contains(first)));
    assert!(runs.windows(2).all(|pair| pair[0].1 <= pair[1].0));
}

#[test]
fn a_value_of_a_context_that_has_no_copy_is_replaced_in_its_place() {
    let mut state = State::new();
    state.insert(&NUMBER, 1);
    let copy = state.copy();
    let entered = Entered::new(&mut state);
    let mut value = Some(NUMBER.value(2));
    let mut is_replaced = || with_current(|current| current.values.swap_in_place(NUMBER.assigned_id(), &mut value));
    assert!(!is_replaced());
    drop(copy);
    assert!(is_replaced());
    assert_eq!((NUMBER.get(), value.as_ref().and_then(Value::downcast_ref)), (2, Some(&1_u64)));
    entered.leave();
}

mod base_copies;
mod disorder;
mod model;
mod suspended;
