//! The table in which task hooks keep contexts, on loom's mutexes, and the models.

use loom::sync::{self, Arc};
use loom::thread;

#[path = "../../contextvars/src/integrations/tokio/hooks/slots.rs"]
mod slots;

use slots::{Removed, Slots};

models![
    polls_of_one_task_on_two_threads_have_its_context_one_after_the_other,
    of_several_polls_that_wait_each_has_its_turn,
    a_poll_that_waits_for_a_task_that_has_ended_gets_nothing,
    the_context_of_a_task_that_ends_is_returned_to_one_thread,
];

/// Stands for a task's id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Id(u64);

/// Stands for a context, with memory of its own as that has: how many polls it was in.
struct Context {
    polls: Box<usize>,
}

impl Context {
    fn new() -> Self {
        Self { polls: Box::new(0) }
    }
}

const TASK: Id = Id(7);

/// A table that knows the task.
fn slots() -> Arc<Slots> {
    let slots = Arc::new(Slots::new());
    slots.insert(TASK, Context::new());
    slots
}

/// Polls the task: whether it had not ended before.
fn poll(slots: &Slots) -> bool {
    let Some(mut context) = slots.take(TASK) else { return false };
    *context.polls += 1;
    assert!(slots.put_back(TASK, context).is_none(), "nobody ends the task");
    true
}

fn polls(slots: &Slots) -> usize {
    *slots.take(TASK).expect("nobody ends the task").polls
}

fn polls_of_one_task_on_two_threads_have_its_context_one_after_the_other() {
    let slots = slots();
    let other = Arc::clone(&slots);
    let thread = thread::spawn(move || poll(&other));
    assert!(poll(&slots));
    assert!(thread.join().unwrap());
    assert_eq!(polls(&slots), 2);
}

fn of_several_polls_that_wait_each_has_its_turn() {
    let slots = slots();
    let context = slots.take(TASK).expect("nobody ends the task");
    let threads = [(); 2].map(|()| {
        let slots = Arc::clone(&slots);
        thread::spawn(move || poll(&slots))
    });
    assert!(slots.put_back(TASK, context).is_none(), "nobody ends the task");
    for thread in threads {
        assert!(thread.join().unwrap());
    }
    assert_eq!(polls(&slots), 2);
}

fn a_poll_that_waits_for_a_task_that_has_ended_gets_nothing() {
    let slots = slots();
    let context = slots.take(TASK).expect("it has not ended");
    let threads = [(); 2].map(|()| {
        let slots = Arc::clone(&slots);
        thread::spawn(move || slots.take(TASK).is_none())
    });
    // Within its last poll, as tokio ends a task.
    assert!(matches!(slots.remove(TASK), Some(Removed::Away)));
    assert!(slots.put_back(TASK, context).is_some());
    for thread in threads {
        assert!(thread.join().unwrap());
    }
}

fn the_context_of_a_task_that_ends_is_returned_to_one_thread() {
    let slots = slots();
    let other = Arc::clone(&slots);
    let poll = thread::spawn(move || {
        let mut context = other.take(TASK)?;
        *context.polls += 1;
        other.put_back(TASK, context)
    });
    let removed = slots.remove(TASK).expect("nobody else removes it");
    let brought_back = poll.join().unwrap();
    match (removed, brought_back) {
        // Before the poll, or after it.
        (Removed::Context(context), None) => assert!(*context.polls <= 1),
        (Removed::Away, Some(context)) => assert_eq!(*context.polls, 1),
        (Removed::Context(_), Some(_)) => panic!("both threads have it"),
        (Removed::Away, None) => panic!("nobody has it"),
    }
}
