//! The hooks: a task's context is entered before each poll, left after it, and freed when the task ends.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ::tokio::runtime::{Builder, TaskMeta};
use ::tokio::task::{self, Id};
use scopeguard::ScopeGuard;

use super::inheritance::{Hook, Inheritance, Kind};
use super::slots::{Removed, Slots};
use crate::context::{Context, inherit_context};
use crate::state::SwappedIn;

/// Installs the hooks. They share one table, which is freed with the last of them.
///
/// # Panics
/// If the builder has these hooks already.
#[track_caller]
pub(super) fn install(builder: &mut Builder, inheritance: Inheritance) -> &mut Builder {
    let hooks = Arc::new(Hooks { inheritance, slots: Slots::new(), has_spawned: AtomicBool::new(false) });
    let (spawn, before, after, terminate) = (hooks.clone(), hooks.clone(), hooks.clone(), hooks);
    let gone_before = GONE.get();
    builder
        .on_task_spawn(move |task| spawn.on_spawn(task))
        .on_before_task_poll(move |task| before.on_before_poll(task))
        .on_after_task_poll(move |task| after.on_after_poll(task))
        .on_task_terminate(move |task| terminate.on_terminate(task));
    assert!(
        GONE.get() == gone_before,
        "`inherit_contexts` was called twice on one builder: call it once, with all exceptions in one `Inheritance`"
    );
    builder
}

struct Hooks {
    inheritance: Inheritance,
    slots: Slots,
    /// Whether the spawn hook was ever called.
    has_spawned: AtomicBool,
}

impl Drop for Hooks {
    fn drop(&mut self) {
        GONE.set(GONE.get() + 1);
    }
}

/// A task that this thread polls.
struct Polling {
    id: Id,
    /// The context that was current before the poll, while the task's context is current.
    outer: Context,
    swapped_in: SwappedIn,
}

thread_local! {
    /// How many sets of hooks were dropped on this thread: with their runtime, or because they were replaced.
    static GONE: Cell<usize> = const { Cell::new(0) };
    /// The tasks that this thread polls, innermost last: a task may block on a runtime that polls others.
    static POLLING: RefCell<Vec<Polling>> = const { RefCell::new(Vec::new()) };
    /// The last task that ended on this thread without being in the table.
    static NEVER_KNOWN: Cell<Option<Id>> = const { Cell::new(None) };
}

impl Hooks {
    /// Runs on the spawner's thread, before the task can be polled.
    fn on_spawn(&self, task: &TaskMeta<'_>) {
        if !self.has_spawned.load(Ordering::Relaxed) {
            self.has_spawned.store(true, Ordering::Relaxed);
        }
        call(self.inheritance.spawn.as_ref(), task);
        // A runtime that has shut down calls the hook for the end of a task first, and then the one for its spawn.
        if NEVER_KNOWN.take() == Some(task.id()) {
            return;
        }
        let context = match self.inheritance.at(task.spawned_at()) {
            Kind::Child => inherit_context(),
            Kind::Server => inherit_context().refusing_sets(),
            Kind::Excepted => Context::refusing(),
        };
        self.slots.insert(task.id(), context);
    }

    fn on_before_poll(&self, task: &TaskMeta<'_>) {
        let id = task.id();
        let innermost = POLLING.with_borrow(|polling| polling.last().map(|polling| polling.id));
        // Within the poll of a task, tokio knows its id.
        if innermost.is_some() && innermost != task::try_id() {
            leave_all();
            replaced("on_after_task_poll");
        }
        let context = self.slots.take(id);
        if context.is_none() && !self.has_spawned.load(Ordering::Relaxed) {
            replaced("on_task_spawn");
        }
        // The hooks are also called for a task that has ended, though it is not polled any more.
        let mut outer = context.unwrap_or_default();
        let swapped_in = outer.swap_in();
        POLLING.with_borrow_mut(|polling| polling.push(Polling { id, outer, swapped_in }));
        // If the user's hook panics, tokio does not call the hook that follows the poll.
        let entered = scopeguard::guard((), |()| {
            self.leave(id);
        });
        call(self.inheritance.before_poll.as_ref(), task);
        ScopeGuard::into_inner(entered);
    }

    fn on_after_poll(&self, task: &TaskMeta<'_>) {
        let id = task.id();
        let entered = scopeguard::guard((), |()| {
            self.leave(id);
        });
        call(self.inheritance.after_poll.as_ref(), task);
        ScopeGuard::into_inner(entered);
        if !self.leave(id) {
            replaced("on_before_task_poll");
        }
    }

    /// Restores the context that was current before the task was polled, and puts the task's context back. Returns
    /// `false` if this thread is not polling that task.
    fn leave(&self, id: Id) -> bool {
        let left = POLLING.with_borrow_mut(|polling| match polling.last() {
            Some(innermost) if innermost.id == id => polling.pop(),
            _ => None,
        });
        let Some(Polling { mut outer, swapped_in, .. }) = left else { return false };
        outer.swap_out(swapped_in);
        drop(self.slots.put_back(id, outer));
        true
    }

    /// Called within the last poll, unless the runtime is shutting down; also called for blocking functions.
    fn on_terminate(&self, task: &TaskMeta<'_>) {
        let removed = self.slots.remove(task.id());
        if removed.is_none() {
            NEVER_KNOWN.set(Some(task.id()));
        }
        call(self.inheritance.terminate.as_ref(), task);
        if let Some(Removed::Context(context)) = removed {
            drop(context);
        }
    }
}

fn call(hook: Option<&Hook>, task: &TaskMeta<'_>) {
    if let Some(hook) = hook {
        hook(task);
    }
}

/// Restores the context that was current before all tasks that this thread is recorded as polling.
#[cold]
fn leave_all() {
    while let Some(Polling { mut outer, swapped_in, .. }) = POLLING.with_borrow_mut(Vec::pop) {
        outer.swap_out(swapped_in);
        drop(outer);
    }
}

#[cold]
fn replaced(hook: &str) -> ! {
    panic!(
        "the hook `{hook}` of `inherit_contexts` was replaced: contexts are no longer carried\n\
         help: set your hook with `{hook}` of `Inheritance`, not of tokio's `Builder`"
    )
}
