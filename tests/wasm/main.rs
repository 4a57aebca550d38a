//! Does with context variables what a program in a browser would, and panics if something is not as it should be.
//!
//! `ci/wasm.sh` runs it as WebAssembly. `cargo run -p contextvars-wasm-tests` runs it here.

use std::pin::pin;
use std::task::{self, Poll, Waker};

use contextvars::{Context, ContextExt, context_var, copy_context, inherit_context, variables, with_context};

#[context_var(default = 1)]
static COUNT: u64;

#[context_var(inherit = false)]
static OWNER: String;

fn values_are_set_scoped_and_reset() {
    assert_eq!(COUNT.get(), 1);
    let token = COUNT.set(2);
    assert_eq!(with_context!(COUNT = 7, { COUNT.get() }), 7);
    let ctx = copy_context();
    COUNT.reset(token).expect("the token is of this context");
    assert_eq!((COUNT.get(), ctx[&COUNT]), (1, 2));
}

fn children_inherit_but_what_must_stay_behind() {
    OWNER.set("ada".to_owned());
    COUNT.set(3);
    let child = inherit_context();
    assert!(child.contains(&COUNT) && !child.contains(&OWNER));
    assert!(copy_context().contains(&OWNER));
}

fn futures_keep_their_context_from_poll_to_poll() {
    let steps = async {
        for _ in 0..2 {
            COUNT.set(COUNT.get() * 10);
            let mut pending = true;
            std::future::poll_fn(|_| if std::mem::take(&mut pending) { Poll::Pending } else { Poll::Ready(()) }).await;
        }
        COUNT.get()
    };
    let mut steps = pin!(steps.in_context(Context::new().with(&COUNT, 5)));
    let mut cx = task::Context::from_waker(Waker::noop());
    assert_eq!(steps.as_mut().poll(&mut cx), Poll::Pending);
    assert_eq!(steps.as_mut().poll(&mut cx), Poll::Pending);
    assert_eq!(COUNT.get(), 1);
    assert_eq!(steps.as_mut().poll(&mut cx), Poll::Ready(500));
}

fn every_variable_is_listed() {
    let mut names: Vec<_> = variables().map(contextvars::Variable::name).collect();
    names.sort_unstable();
    assert_eq!(names, ["COUNT", "OWNER"]);
}

fn main() {
    values_are_set_scoped_and_reset();
    Context::new().run(children_inherit_but_what_must_stay_behind);
    futures_keep_their_context_from_poll_to_poll();
    every_variable_is_listed();
    println!("everything is as it should be");
}
