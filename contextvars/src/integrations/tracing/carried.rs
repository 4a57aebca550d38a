//! tracing's current span, carried by contexts.

use std::ptr;

use tracing_core::Dispatch;
use tracing_core::dispatcher;
use tracing_core::span::{Current, Id};
use tracing_subscriber::Registry;

use crate::carry::{self, Carried};

/// Makes contexts carry the current span: a spawned task, a thread, a job works in the span in which it was started.
///
/// Call it once, at the top of `main`. It does for everything that inherits a context what `.in_current_span()` does for
/// one future; see [`carry`](crate::carry) for when a span is captured and entered. A span that is given to the
/// work itself, as in `spawn(work.instrument(span))`, comes on top.
///
/// A span that is carried stays open until the last context that carries it is gone. So work that outlives the request is to be
/// started by `contextvars::tokio::spawn_detached`, which carries nothing.
///
/// Costs, for a child in another span than its parent's context carries, one value in its context; for each poll what
/// `Instrumented` of tracing costs, and a look at the current span. Nothing is done where the span is current already.
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

/// A span, which stays open as long as this lives.
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
            current.id() == Some(&self.id) && is_same(dispatch, &self.dispatch)
        })
    }

    fn enter(&self) -> Option<()> {
        if self.dispatch.current_span().id() == Some(&self.id) {
            return None;
        }
        self.dispatch.enter(&self.id);
        Some(())
    }

    fn leave(&self, (): ()) {
        self.dispatch.exit(&self.id);
    }
}

/// Whether it is the span that tokio makes for each task, with its feature `tracing`. That is entered by tokio itself, and
/// ends with the task; no child is to keep it open.
fn is_tokios(current: &Current) -> bool {
    current.metadata().is_some_and(|span| span.target() == "tokio::task")
}

/// Whether both send to the same subscriber. Returns `false` if that cannot be told, as of those without a registry.
fn is_same(a: &Dispatch, b: &Dispatch) -> bool {
    let registries = a.downcast_ref::<Registry>().zip(b.downcast_ref::<Registry>());
    registries.is_some_and(|(a, b)| ptr::eq(a, b))
}
