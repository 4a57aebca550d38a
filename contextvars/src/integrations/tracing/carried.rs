//! tracing's current span, carried by contexts.

use std::cell::Cell;
use std::ptr;

use tracing_core::Dispatch;
use tracing_core::dispatcher;
use tracing_core::span::{Current, Id};
use tracing_subscriber::Registry;

use crate::carry::{self, Carried};

/// Makes contexts carry the current span: a spawned task, thread or job runs in the span in which it was started.
///
/// Call it once, at the start of `main`. Everything that inherits a context then behaves as a future with
/// `.in_current_span()`; see [`carry`](crate::carry) for when a span is captured and entered. A span that is attached
/// to the work itself, as in `spawn(work.instrument(span))`, is entered inside of it.
///
/// A carried span stays open until the last context that carries it is dropped. So start work that outlives the request
/// with `contextvars::tokio::spawn_detached`, which carries nothing.
///
/// Costs one value in the context of a child that starts in another span than its parent's context carries; for each
/// poll a comparison with the current span and, unless that is the same, what `Instrumented` of tracing costs.
///
/// # Examples
///
/// ```
/// use contextvars::tokio;
///
/// #[tokio::main]
/// async fn main() {
///     contextvars::tracing::carry_spans();
///     tracing_subscriber::fmt().init();
///     let request = tracing::info_span!("request", id = 7);
///     let task = request.in_scope(|| tokio::spawn(async { tracing::Span::current().metadata().unwrap().name() }));
///     assert_eq!(task.await.unwrap(), "request");
/// }
/// ```
pub fn carry_spans() {
    carry::register::<CarriedSpan>();
}

/// A span, which stays open as long as this value lives.
struct CarriedSpan {
    dispatch: Dispatch,
    id: Id,
}

impl Drop for CarriedSpan {
    fn drop(&mut self) {
        self.dispatch.try_close(self.id.clone());
    }
}

impl Carried for CarriedSpan {
    type Undo = ();

    fn capture() -> Option<Self> {
        dispatcher::get_default(|dispatch| {
            let current = dispatch.current_span();
            let id = current.id().filter(|_| !is_tokios(&current))?;
            Some(Self { dispatch: dispatch.clone(), id: dispatch.clone_span(id) })
        })
    }

    fn is_current(&self) -> bool {
        dispatcher::get_default(|dispatch| {
            let current = dispatch.current_span();
            is_tokios(&current) || current.id() == Some(&self.id) && is_same(dispatch, &self.dispatch)
        })
    }

    fn enter(&self) -> Option<()> {
        let current = self.dispatch.current_span();
        if current.id() == Some(&self.id) {
            return None;
        }
        self.dispatch.enter(&self.id);
        if current.id().is_some() && self.dispatch.current_span().id() != Some(&self.id) {
            self.bring_to_front();
        }
        Some(())
    }

    fn leave(&self, (): ()) {
        self.dispatch.exit(&self.id);
        if EXITED_FOR.get() != 0 {
            self.enter_those_exited();
        }
    }
}

thread_local! {
    /// The spans that were exited to bring another one to the front, the innermost first, each time with the
    /// address of that one: ids of two subscribers may be the same.
    static EXITED: Cell<Vec<(usize, Vec<Id>)>> = const { Cell::new(Vec::new()) };
    /// For how many spans.
    static EXITED_FOR: Cell<usize> = const { Cell::new(0) };
}

/// A subscriber that goes on saying that a span is current though it was exited is not asked more often.
const MOST_EXITED: usize = 1 << 12;

impl CarriedSpan {
    /// A registry makes no span current that is entered further out already. So those that came after it are exited
    /// until this one is left. Else work would be in the span of other work that its thread has come to in between: on
    /// a worker of rayon that waits within a job of the same request, for example.
    #[cold]
    fn bring_to_front(&self) {
        self.dispatch.exit(&self.id);
        let mut exited = Vec::new();
        while exited.len() < MOST_EXITED {
            let current = self.dispatch.current_span();
            let Some(id) = current.id().filter(|_| !is_tokios(&current)) else { break };
            self.dispatch.exit(id);
            exited.push(id.clone());
        }
        self.dispatch.enter(&self.id);
        let _ = EXITED.try_with(|all| {
            let mut list = all.take();
            list.push((self.address(), exited));
            EXITED_FOR.set(list.len());
            all.set(list);
        });
    }

    fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    #[cold]
    fn enter_those_exited(&self) {
        let take = |all: &Cell<Vec<(usize, Vec<Id>)>>| {
            let mut list = all.take();
            let at = list.iter().rposition(|(address, _)| *address == self.address());
            let exited = at.map(|at| list.remove(at));
            EXITED_FOR.set(list.len());
            all.set(list);
            exited
        };
        if let Ok(Some((_, exited))) = EXITED.try_with(take) {
            exited.iter().rev().for_each(|id| self.dispatch.enter(id));
        }
    }
}

/// Whether it is the span that tokio creates for each task with its feature `tracing`. tokio enters that itself, and it
/// ends with the task; a child must not keep it open.
fn is_tokios(current: &Current) -> bool {
    current.metadata().is_some_and(|span| span.target() == "tokio::task")
}

/// Whether both belong to the same subscriber. Returns `false` if that is unknown, as for subscribers without a
/// registry.
fn is_same(a: &Dispatch, b: &Dispatch) -> bool {
    let registries = a.downcast_ref::<Registry>().zip(b.downcast_ref::<Registry>());
    registries.is_some_and(|(a, b)| ptr::eq(a, b))
}
