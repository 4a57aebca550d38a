//! A deadline for a request: set once, inherited by tasks and threads, and sent to other services.
//!
//! A deadline is the value of [`DEADLINE`], and has two scopes: [`Deadline::scope`] runs a future with it,
//! [`Deadline::sync_scope`] a closure. Of the scope's deadline and the one that is current when the scope begins, the
//! earlier is used: a scope can shorten the time that is left but not extend it. That time is
//! `DEADLINE.try_with(Deadline::remaining)`. [`run_until_deadline`] drops a future when the deadline has passed.
//!
//! [`extract`] reads a deadline from the header `grpc-timeout` of an incoming request, and [`inject`] writes the time
//! that is left into the header of an outgoing one. With the feature `headers`, `GrpcTimeout` is that header as a
//! format for the layers of `contextvars::headers`.
//!
//! The clock is that of tokio: in a test, `tokio::time::pause` and `advance` affect deadlines, too. They do not on a
//! thread of your own, such as one of [`thread::spawn`](crate::thread::spawn), where tokio reads the real clock. Enter
//! the runtime there, with `Handle::enter`.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//!
//! use contextvars::deadline::{DEADLINE, Deadline, run_until_deadline};
//! use contextvars::{ContextExt, inherit_context, tokio};
//!
//! async fn query() -> Option<Duration> {
//!     DEADLINE.try_with(Deadline::remaining).ok()
//! }
//!
//! # async fn test() {
//! let request = Deadline::within(Duration::from_secs(5)).scope(async {
//!     // A part of the request gets less, and never more.
//!     let part = Deadline::within(Duration::from_secs(2)).scope(query());
//!     assert!(part.await < query().await);
//!     let same = Deadline::within(Duration::from_secs(60)).scope(async { DEADLINE.get() });
//!     assert_eq!(same.await, DEADLINE.get());
//!
//!     // A task inherits it; a task that must outlive the request is spawned without it.
//!     assert!(tokio::spawn(query()).await.unwrap().is_some());
//!     let audit = query().in_context(inherit_context().without(&DEADLINE));
//!     assert_eq!(tokio::spawn(audit).await.unwrap(), None);
//!
//!     // Work that takes too long is dropped.
//!     run_until_deadline(std::future::pending::<()>()).await
//! });
//! let error = request.await.unwrap_err();
//! assert!(error.to_string().starts_with("the deadline of 5s that was set at "));
//! # }
//! # fn main() {
//! # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(test());
//! # }
//! ```
//!
//! # `set`, `with_context!` and contexts created in advance
//! [`DEADLINE`] is a variable like any other: `DEADLINE.set(..)`, `DEADLINE.scope(.., ..)`, `with_context!(DEADLINE =
//! .., ..)` and `Context::with(&DEADLINE, ..)` use the deadline that they are given, even if it is later than the
//! current one.
//!
//! - `Deadline::within`, `Deadline::at` and `extract` return a deadline that is not later than the current one where they
//!   are called. So `DEADLINE.set(Deadline::within(..))` cannot extend the time, either. A deadline that was created
//!   elsewhere may be later than the current one; only the scopes of a `Deadline` compare the two.
//! - A context that is entered, with `.in_context(ctx)` or `ctx.run(..)`, has its own deadline, or none. The caller's
//!   deadline is not visible in it, like any variable. A `run_until_deadline` around it still drops it at the caller's
//!   deadline.
//! - A deadline is a point in time. A deadline that is created when a server starts, as in
//!   `ContextLayer::from(Context::new().with(&DEADLINE, Deadline::within(..)))`, is the same for all requests; after it
//!   has passed, every request fails. Create it for each request instead, in `ContextLayer::new().init(..)`.
//!
//! # What a deadline does not do
//! - **It cancels nothing by itself.** Only the future in a [`run_until_deadline`] is dropped when the time is up, at
//!   its next `.await`. A task that it has spawned continues: the task inherited the deadline, but needs a
//!   `run_until_deadline` of its own, or a `JoinSet` that aborts it. Blocking code must read the time that is left, and
//!   pass it to its sockets.
//! - **It ends with the future.** The body of a response that is streamed after the handler has returned is not
//!   limited, unless each of its items is awaited in a `run_until_deadline`.
//! - **It trusts the client.** A client that sends `1n` gets an error, one that sends a year gets a year. A service
//!   that allows less time sets a scope around its work; the shorter one applies.
//! - **Its error is for logs.** It names a place in the source; send only the status to a client, such as 504 or
//!   `DEADLINE_EXCEEDED`.
//!
//! # Beside Go's context and tonic's timeouts
//! | | Go's `context` | tonic 0.14 | here |
//! |---|---|---|---|
//! | is passed on | as an argument, by each function | not at all: a client sends what `Request::set_timeout` was given | by itself, also to tasks, threads and jobs that inherit |
//! | a scope | `WithTimeout`, `WithDeadline`: the earlier one counts | the shorter of `grpc-timeout` and `Server::timeout` | `Deadline::scope`, `Deadline::sync_scope`: the earlier one counts |
//! | at the deadline | a channel is closed, and code that looks at it returns | the server drops the handler's future | `run_until_deadline` drops its future |
//! | the error says | `context deadline exceeded`; `WithTimeoutCause` has a cause | `Timeout expired` | how long was allowed, and where that was set |
//! | work that outlives the request | `WithoutCancel` | – | `inherit_context().without(&DEADLINE)` |
//! | to the next service | `grpc-go` writes `grpc-timeout` from the context | by hand; see [grpc-rust#2316] | [`inject`], for any HTTP client |
//!
//! [grpc-rust#2316]: https://github.com/grpc/grpc-rust/issues/2316
//!
//! # Python
//! `asyncio.timeout`, which is a scope within one task; no child inherits it, and code inside cannot read the time
//! left.

mod exceeded;
#[cfg(feature = "headers")]
mod format;
mod grpc_timeout;
mod scope;

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use ::tokio::time::Instant;
use contextvars_macros::context_var;

pub use self::exceeded::{DeadlineExceeded, run_until_deadline};
#[cfg(feature = "headers")]
pub use self::format::GrpcTimeout;
pub use self::grpc_timeout::{GrpcTimeoutError, extract, inject};

/// The time by which the current work must complete. If it is not set, there is no limit.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use contextvars::deadline::{DEADLINE, Deadline};
///
/// let time_left = || DEADLINE.try_with(Deadline::remaining).ok();
/// assert_eq!(time_left(), None);
/// Deadline::within(Duration::from_secs(5)).sync_scope(|| {
///     assert!(time_left() <= Some(Duration::from_secs(5)));
/// });
/// ```
#[context_var]
pub static DEADLINE: Deadline;

/// The longest time until a deadline. A clock can hold more, but tokio's timers overflow near its end.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// A point in time, and the place in the source that set it.
///
/// It has no effect until it is set, for example by [`scope`](Self::scope). Its `Display` is for logs: how much time it
/// allowed, and where it was set.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use contextvars::deadline::{DEADLINE, Deadline};
///
/// let deadline = Deadline::within(Duration::from_secs(5));
/// assert!(deadline.remaining() <= Duration::from_secs(5));
/// let place = deadline.set_at();
/// assert_eq!(deadline.to_string(), format!("5s, set at {place}"));
/// # assert!(place.line() > 0);
/// ```
///
/// # Python
/// `asyncio.timeout(..).when()`, which is a time of the loop's clock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    instant: Instant,
    allowed: Duration,
    set_at: &'static Location<'static>,
}

impl Deadline {
    /// Returns a deadline after this much time, or the current deadline, if that is earlier.
    ///
    /// A time of more than thirty years is shortened to thirty years. Reads the clock and the variable.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use contextvars::deadline::{DEADLINE, Deadline};
    ///
    /// Deadline::within(Duration::from_secs(5)).sync_scope(|| {
    ///     let (shorter, longer) = (Duration::from_secs(2), Duration::from_secs(60));
    ///     assert!(Deadline::within(shorter).instant() < DEADLINE.get().instant());
    ///     assert_eq!(Deadline::within(longer), DEADLINE.get());
    /// });
    /// ```
    ///
    /// # Python
    /// `asyncio.timeout(delay)`.
    #[must_use = "a deadline has no effect until it is set: `Deadline::within(..).scope(..)`"]
    #[track_caller]
    pub fn within(allowed: Duration) -> Self {
        Self::after(allowed, Location::caller()).or_the_one_in_force()
    }

    /// Returns a deadline at this time, or the current deadline, if that is earlier.
    ///
    /// A time more than thirty years from now is replaced by the time in thirty years.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use contextvars::deadline::Deadline;
    /// use tokio::time::Instant;
    ///
    /// let instant = Instant::now() + Duration::from_secs(5);
    /// assert_eq!(Deadline::at(instant).instant(), instant);
    /// ```
    ///
    /// # Python
    /// `asyncio.timeout_at(when)`.
    #[must_use = "a deadline has no effect until it is set: `Deadline::at(..).scope(..)`"]
    #[track_caller]
    pub fn at(instant: Instant) -> Self {
        let now = Instant::now();
        let instant = instant.min(now + FAR);
        let allowed = instant.saturating_duration_since(now);
        Self { instant, allowed, set_at: Location::caller() }.or_the_one_in_force()
    }

    /// Returns a deadline after this much time, also if the current deadline is earlier.
    fn after(allowed: Duration, set_at: &'static Location<'static>) -> Self {
        let allowed = allowed.min(FAR);
        Self { instant: Instant::now() + allowed, allowed, set_at }
    }

    /// Returns the time by which the work must complete.
    #[must_use]
    pub fn instant(&self) -> Instant {
        self.instant
    }

    /// Returns the time that is left, or zero if the deadline has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.instant.saturating_duration_since(Instant::now())
    }

    /// Returns where it was made: the call of [`within`](Self::within), [`at`](Self::at) or [`extract`].
    #[must_use]
    pub fn set_at(&self) -> &'static Location<'static> {
        self.set_at
    }

    /// Returns this deadline or the current one, whichever is earlier.
    fn or_the_one_in_force(self) -> Self {
        self.or_earlier(DEADLINE.try_get().ok())
    }

    fn or_earlier(self, other: Option<Self>) -> Self {
        other.filter(|other| other.instant <= self.instant).unwrap_or(self)
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, set at {}", self.allowed, self.set_at)
    }
}

impl fmt::Debug for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deadline({self})")
    }
}
