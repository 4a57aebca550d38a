//! [`run_until_deadline`], and the error that says which deadline has passed.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use ::tokio::time::{Timeout, timeout_at};
use pin_project_lite::pin_project;

use super::{DEADLINE, Deadline};

/// Runs a future until it completes, or until the deadline that is current at the first poll has passed; then the
/// future is dropped.
///
/// A future that completes at the deadline is in time. If the deadline has passed before the first poll, the future is
/// not polled at all. If no deadline is set at the first poll, the future runs without one. So poll it inside the scope
/// of the deadline, as in `deadline.scope(run_until_deadline(work())).await`.
///
/// At the deadline it is dropped at the `.await` where it waits, in the current context; tasks that it has spawned
/// continue. With a deadline it costs as much as tokio's `timeout_at`.
///
/// # Errors
/// [`DeadlineExceeded`], if the deadline has passed.
///
/// # Panics
/// If the future panics, or is polled again after it has completed. With a deadline, if it is polled outside of a tokio
/// runtime, or in one without a timer.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use contextvars::deadline::{Deadline, run_until_deadline};
/// use contextvars::tokio;
///
/// async fn answer() -> u32 {
///     tokio::time::sleep(Duration::from_secs(3)).await;
///     42
/// }
///
/// # async fn test() {
/// let allowing = |seconds| Deadline::within(Duration::from_secs(seconds)).scope(run_until_deadline(answer()));
/// assert_eq!(allowing(5).await, Ok(42));
/// let error = allowing(1).await.unwrap_err();
/// assert!(error.deadline().remaining().is_zero());
/// # }
/// # fn main() {
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(test());
/// # }
/// ```
///
/// # Python
/// `async with asyncio.timeout(..):`, which raises `TimeoutError`.
pub fn run_until_deadline<F: Future>(future: F) -> impl Future<Output = Result<F::Output, DeadlineExceeded>> {
    UntilDeadline::NotBegun { future }
}

pin_project! {
    // An `async` block would reserve memory for the future twice: as an argument, and in the `Timeout`.
    #[project = Projected]
    #[project_replace = Replaced]
    enum UntilDeadline<F> {
        // Not pinned yet, so it can still be moved.
        NotBegun { future: F },
        Unlimited { #[pin] future: F },
        Limited { #[pin] future: Timeout<F>, deadline: Deadline },
        Done,
    }
}

impl<F: Future> Future for UntilDeadline<F> {
    type Output = Result<F::Output, DeadlineExceeded>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        if let Projected::NotBegun { .. } = self.as_mut().project() {
            let deadline = DEADLINE.try_get().ok();
            if let Some(deadline) = deadline.filter(|it| it.remaining().is_zero()) {
                self.set(Self::Done);
                return Poll::Ready(Err(DeadlineExceeded { deadline }));
            }
            if let Replaced::NotBegun { future } = self.as_mut().project_replace(Self::Done) {
                self.set(match deadline {
                    Some(deadline) => Self::Limited { future: timeout_at(deadline.instant(), future), deadline },
                    None => Self::Unlimited { future },
                });
            }
        }
        let polled = match self.as_mut().project() {
            Projected::Unlimited { future } => future.poll(cx).map(Ok),
            Projected::Limited { future, deadline } => {
                let exceeded = DeadlineExceeded { deadline: *deadline };
                future.poll(cx).map(|result| result.map_err(|_| exceeded))
            }
            Projected::NotBegun { .. } | Projected::Done => {
                panic!("this future has completed: it cannot be polled again")
            }
        };
        if polled.is_ready() {
            // A completed future that is kept keeps no values alive.
            self.set(Self::Done);
        }
        polled
    }
}

/// A deadline has passed; [`run_until_deadline`] returns it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use contextvars::deadline::{Deadline, run_until_deadline};
/// use contextvars::tokio;
///
/// # async fn test() {
/// let deadline = Deadline::within(Duration::from_millis(1500));
/// let error = deadline.scope(run_until_deadline(std::future::pending::<()>())).await.unwrap_err();
/// assert_eq!(error.deadline(), deadline);
/// let place = deadline.set_at();
/// assert_eq!(error.to_string(), format!("the deadline of 1.5s that was set at {place} has passed"));
/// # }
/// # fn main() {
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(test());
/// # }
/// ```
///
/// # Python
/// `TimeoutError`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DeadlineExceeded {
    deadline: Deadline,
}

impl DeadlineExceeded {
    /// Returns the deadline that has passed.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }
}

impl fmt::Display for DeadlineExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Deadline { allowed, set_at, .. } = self.deadline;
        write!(f, "the deadline of {allowed:?} that was set at {set_at} has passed")
    }
}

impl fmt::Debug for DeadlineExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeadlineExceeded").field(&format_args!("{self}")).finish()
    }
}

impl Error for DeadlineExceeded {}
