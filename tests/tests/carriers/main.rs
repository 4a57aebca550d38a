//! Carriers of a program's own: when they are called, what they may do, and what becomes of what they captured.
//!
//! A process of its own: a carrier is registered for the whole process.

mod calls;
mod coroutines;
mod panics;
mod values;
mod work;

use std::cell::{Cell, RefCell};
use std::panic::resume_unwind;
use std::rc::Rc;

use contextvars::carry::{self, Carried};
use contextvars::{Context, context_var, copy_context, inherit_context, with_context};

#[context_var(default = 0)]
static NUMBER: u64;
#[context_var(inherit = false)]
static PRIVATE: u64;

thread_local! {
    static FIRST: Cell<u64> = const { Cell::new(0) };
    static SECOND: Cell<u64> = const { Cell::new(0) };
    /// The calls of carriers, each with the value of `NUMBER` that it saw.
    static CALLS: RefCell<Vec<(&'static str, u64)>> = const { RefCell::new(Vec::new()) };
    static PANICS_IN: Cell<&'static str> = const { Cell::new("") };
}

fn called(name: &'static str) {
    CALLS.with_borrow_mut(|calls| calls.push((name, NUMBER.get())));
    if PANICS_IN.get() == name {
        // Unlike `panic!`, this prints nothing.
        resume_unwind(Box::new(name));
    }
}

/// State of the first library.
struct First(u64);

impl Carried for First {
    /// Neither `Send`, nor small.
    type Undo = ([u64; 9], Rc<u64>);

    fn capture() -> Option<Self> {
        called("capture first");
        (FIRST.get() != 0).then(|| Self(FIRST.get()))
    }

    fn is_current(&self) -> bool {
        called("is first current");
        self.0 == FIRST.get()
    }

    fn enter(&self) -> Option<Self::Undo> {
        if self.0 == FIRST.get() {
            return None;
        }
        called("enter first");
        Some(([0; 9], Rc::new(FIRST.replace(self.0))))
    }

    fn leave(&self, undo: Self::Undo) {
        assert_eq!(self.0, FIRST.replace(*undo.1));
        called("leave first");
    }
}

/// State of the second library, of which every child has one of its own.
struct Second(u64);

/// Brings back what was there before. A guard, as many libraries have one.
struct Back(u64);

impl Drop for Back {
    fn drop(&mut self) {
        SECOND.set(self.0);
        called("leave second");
    }
}

impl Carried for Second {
    type Undo = Back;

    fn capture() -> Option<Self> {
        called("capture second");
        (SECOND.get() != 0).then(|| Self(SECOND.get()))
    }

    fn enter(&self) -> Option<Back> {
        let back = Back(SECOND.replace(self.0));
        // It may use variables and contexts; none of these concerns a carrier.
        with_context!(NUMBER = 99, { inherit_context().run(|| drop(copy_context())) });
        called("enter second");
        Some(back)
    }
}

fn set_up() {
    carry::register::<First>();
    carry::register::<Second>();
    carry::register::<First>();
}

fn set_both(first: u64, second: u64) {
    FIRST.set(first);
    SECOND.set(second);
}

fn both() -> (u64, u64) {
    (FIRST.get(), SECOND.get())
}

/// A child's context with these, in which `NUMBER` is 7.
fn child(first: u64, second: u64) -> Context {
    let before = both();
    set_both(first, second);
    let context = with_context!(NUMBER = 7, { inherit_context() });
    set_both(before.0, before.1);
    CALLS.take();
    context
}
