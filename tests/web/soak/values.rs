//! The variables of a request, and the checks that they are those of the request at hand.

use std::fmt::Debug;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use contextvars::{context_var, copy_context};

use crate::server::{Counted, REQUESTS};

/// The number of the request.
#[context_var(default = 0)]
pub(crate) static REQUEST: u64;

/// The same as text: a value with memory of its own.
#[context_var]
pub(crate) static NAME: String;

/// What the request's code changes as it goes on.
#[context_var(default = 0)]
pub(crate) static PAGE: u64;

/// What no task and no job may inherit.
#[context_var(default = 0, inherit = false)]
pub(crate) static TRANSACTION: u64;

/// A value that is counted for as long as any context has it.
#[context_var]
pub(crate) static OWNED: Counted;

/// The request that a client is making.
#[context_var(default = 0)]
pub(crate) static CALL: u64;

static CHECKS: AtomicU64 = AtomicU64::new(0);

/// How many checks there were.
pub(crate) fn checks() -> u64 {
    CHECKS.load(Ordering::Relaxed)
}

/// Gives a new request its values.
pub(crate) fn set_for(request: u64) {
    REQUEST.set(request);
    NAME.set(request.to_string());
    TRANSACTION.set(request);
    OWNED.set(Counted::one_of(&REQUESTS));
}

/// The code at hand is `request`'s own.
pub(crate) fn check(request: u64, place: &str) {
    check_inherited(request, place);
    expect(TRANSACTION.get(), request, place);
}

/// The code at hand was started by `request`, on a thread or in a task of its own.
pub(crate) fn check_child(request: u64, place: &str) {
    check_inherited(request, place);
    expect(TRANSACTION.get(), 0, place);
}

fn check_inherited(request: u64, place: &str) {
    expect(REQUEST.get(), request, place);
    expect(NAME.try_with(|name| name.parse()).ok(), Some(Ok(request)), place);
    expect(OWNED.is_set(), true, place);
}

/// The code at hand belongs to no request.
pub(crate) fn check_none(place: &str) {
    expect(copy_context().len(), 0, place);
}

/// The code at hand makes this call, and knows nothing of what the server does for it.
pub(crate) fn check_call(request: u64, place: &str) {
    expect(CALL.get(), request, place);
    expect(copy_context().len(), 1, place);
}

/// Ends the process unless both are the same. It does so wherever it is called, in a `Drop` and in a panic, too.
#[expect(clippy::needless_pass_by_value, reason = "what is found is made for the check")]
pub(crate) fn expect<T: PartialEq + Debug>(found: T, expected: T, place: &str) {
    CHECKS.fetch_add(1, Ordering::Relaxed);
    if found != expected {
        eprintln!("{place}: {found:?} instead of {expected:?}; what is set: {:#?}", copy_context());
        process::exit(1);
    }
}
