//! [`Deadline::scope`] and [`Deadline::sync_scope`], which can only shorten the time that is left.

use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use pin_project_lite::pin_project;

use super::{DEADLINE, Deadline};
use crate::task::ScopedFuture;

impl Deadline {
    /// Returns a future that runs `future` with this deadline, or with the deadline that is current at the first poll,
    /// if that is earlier.
    ///
    /// Other variables are shared with the task, as in [`ContextVar::scope`](crate::ContextVar::scope): values of them
    /// that the future sets stay set. A poll costs as much as there; the first poll also reads the variable.
    ///
    /// The future is not dropped at the deadline. For that, await [`run_until_deadline`](super::run_until_deadline)
    /// inside it.
    ///
    /// # Panics
    /// If the future panics, or is polled again after it has completed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use contextvars::deadline::{DEADLINE, Deadline, run_until_deadline};
    /// use contextvars::tokio;
    ///
    /// # async fn test() {
    /// let minute = Deadline::within(Duration::from_secs(60)); // no deadline is set here
    /// let request = Deadline::within(Duration::from_secs(5)).scope(async {
    ///     // A scope gets no more time than the request has.
    ///     minute.scope(run_until_deadline(std::future::pending::<()>())).await
    /// });
    /// let error = request.await.unwrap_err();
    /// assert!(error.to_string().starts_with("the deadline of 5s that was set at "));
    /// assert!(!DEADLINE.is_set());
    /// # }
    /// # fn main() {
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(test());
    /// # }
    /// ```
    ///
    /// # Python
    /// `async with asyncio.timeout_at(when):`, which also cancels the task.
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        Scope::NotBegun { future, deadline: self }
    }

    /// Calls `f` with this deadline, or with the current deadline, if that is earlier.
    ///
    /// Other variables are shared with the caller, as in [`ContextVar::sync_scope`](crate::ContextVar::sync_scope).
    /// Costs as much as that and a read of the variable. A future that `f` returns runs outside of the scope: for a
    /// future, use [`scope`](Self::scope).
    ///
    /// # Panics
    /// If `f` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use contextvars::deadline::{DEADLINE, Deadline};
    ///
    /// let [second, minute] = [1, 60].map(|seconds| Deadline::within(Duration::from_secs(seconds)));
    /// assert_eq!(minute.sync_scope(|| DEADLINE.get()), minute);
    /// assert_eq!(second.sync_scope(|| minute.sync_scope(|| DEADLINE.get())), second);
    /// assert!(!DEADLINE.is_set());
    /// ```
    pub fn sync_scope<F, R>(self, f: F) -> R
    where
        F: FnOnce() -> R,
    {
        DEADLINE.sync_scope(self.or_the_one_in_force(), f)
    }
}

pin_project! {
    // An `async` block would reserve memory for the future twice.
    #[project = Projected]
    #[project_replace = Replaced]
    enum Scope<F> {
        // Not pinned yet, so it can still be moved.
        NotBegun { future: F, deadline: Deadline },
        Begun { #[pin] future: ScopedFuture<Deadline, F> },
        // For the moment between the two.
        Beginning,
    }
}

impl<F: Future> Future for Scope<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        if let Projected::NotBegun { .. } = self.as_mut().project() {
            if let Replaced::NotBegun { future, deadline } = self.as_mut().project_replace(Self::Beginning) {
                self.set(Self::Begun { future: DEADLINE.scope(deadline.or_the_one_in_force(), future) });
            }
        }
        match self.project() {
            Projected::Begun { future } => future.poll(cx),
            Projected::NotBegun { .. } | Projected::Beginning => unreachable!("it has just begun"),
        }
    }
}
