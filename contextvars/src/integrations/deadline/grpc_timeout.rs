//! The header `grpc-timeout`: up to eight digits and a unit, by the specification of gRPC over HTTP/2.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::{DEADLINE, Deadline};

pub(super) const NAME: &str = "grpc-timeout";

const HEADER: HeaderName = HeaderName::from_static(NAME);

/// The largest number of eight digits.
const MAX: u64 = 99_999_999;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// The units, from the finest on, with their nanoseconds.
const UNITS: [(char, u64); 6] = [
    ('n', 1),
    ('u', 1_000),
    ('m', 1_000_000),
    ('S', NANOS_PER_SECOND),
    ('M', 60 * NANOS_PER_SECOND),
    ('H', 3_600 * NANOS_PER_SECOND),
];

/// Reads the header `grpc-timeout` of an incoming request, and returns its deadline, that much later than now, or the
/// current deadline, if that is earlier. Returns `None` if there is no such header.
///
/// Any HTTP request may have the header. Of several, the shortest is used. Zero, which the specification does not
/// allow, is a deadline that has passed.
///
/// # Errors
/// [`GrpcTimeoutError`], if the header does not conform to the specification.
///
/// # Examples
///
/// ```
/// use contextvars::deadline::{self, DEADLINE, run_until_deadline};
/// use contextvars::{Context, ContextExt, tokio};
/// use http::{Request, Response, StatusCode};
///
/// async fn handle(_: Request<()>) -> Response<()> {
///     std::future::pending().await // never completes
/// }
///
/// /// Runs in the request's own context, as under the `ContextLayer` of the feature `tower`.
/// async fn serve(request: Request<()>) -> Result<Response<()>, StatusCode> {
///     if let Some(deadline) = deadline::extract(request.headers()).map_err(|_| StatusCode::BAD_REQUEST)? {
///         DEADLINE.set(deadline);
///     }
///     run_until_deadline(handle(request)).await.map_err(|_| StatusCode::GATEWAY_TIMEOUT)
/// }
///
/// # async fn test() {
/// let request = |timeout| Request::builder().header("grpc-timeout", timeout).body(()).unwrap();
/// let status = async |timeout| serve(request(timeout)).in_context(Context::new()).await.unwrap_err();
/// assert_eq!(status("50m").await, StatusCode::GATEWAY_TIMEOUT);
/// assert_eq!(status("soon").await, StatusCode::BAD_REQUEST);
/// # }
/// # fn main() {
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(test());
/// # }
/// ```
///
/// # Python
/// `ServicerContext.time_remaining()` of `grpcio`, which is an argument of every handler.
#[track_caller]
pub fn extract(headers: &HeaderMap) -> Result<Option<Deadline>, GrpcTimeoutError> {
    let mut shortest = None;
    for value in headers.get_all(HEADER) {
        shortest = Some(shorter(shortest, value.as_bytes())?);
    }
    match shortest {
        Some(timeout) => Ok(Some(Deadline::within(timeout))),
        None => Ok(None),
    }
}

/// Writes the time that is left until the current deadline into the header `grpc-timeout` of an outgoing request.
///
/// The time is rounded down, to five digits or more, and is one nanosecond if none is left. An existing header with a
/// shorter time stays, as the only one. If no deadline is set, or `headers` has no room for another name, nothing
/// changes.
///
/// For a client of tonic, or another that is built on `tower`, call it for each request with `map_request` of tower's
/// `ServiceBuilder`. That keeps a shorter timeout of the request, where an `InjectLayer` with `GrpcTimeout` replaces
/// it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use contextvars::deadline::{self, Deadline};
/// use http::Request;
///
/// # async fn test() {
/// let send = |mut request: Request<()>| {
///     deadline::inject(request.headers_mut());
///     request
/// };
/// let request = Deadline::within(Duration::from_secs(5)).sync_scope(|| send(Request::new(())));
/// assert_eq!(request.headers()["grpc-timeout"], "5000000u");
/// # }
/// # fn main() {
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(test());
/// # }
/// ```
///
/// # Python
/// The argument `timeout` of a call of `grpcio`, by hand.
pub fn inject(headers: &mut HeaderMap) {
    let Ok(remaining) = DEADLINE.try_with(Deadline::remaining) else { return };
    let timeout = |value: &HeaderValue| parse(value.as_bytes());
    let not_longer = headers.get_all(HEADER).iter().filter(|value| timeout(value).is_some_and(|it| it <= remaining));
    let shortest = not_longer.min_by_key(|value| timeout(value)).cloned();
    // Digits and letters are allowed in a header, so this does not fail.
    if let Some(value) = shortest.or_else(|| HeaderValue::try_from(write(remaining)).ok()) {
        // Fails only if the map has 24,576 names.
        let _ = headers.try_insert(HEADER, value);
    }
}

/// Returns the shorter of the timeouts so far and the timeout of one more header.
pub(super) fn shorter(shortest: Option<Duration>, value: &[u8]) -> Result<Duration, GrpcTimeoutError> {
    let timeout = parse(value).ok_or_else(|| GrpcTimeoutError::new(value))?;
    Ok(shortest.map_or(timeout, |shortest| shortest.min(timeout)))
}

/// Returns the time that a header value stands for, or `None` if the value is malformed.
fn parse(value: &[u8]) -> Option<Duration> {
    let (&unit, digits) = value.split_last()?;
    let (_, nanos) = UNITS.into_iter().find(|&(letter, _)| letter == char::from(unit))?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    let (seconds, nanos) =
        if nanos < NANOS_PER_SECOND { (0, number * nanos) } else { (number * (nanos / NANOS_PER_SECOND), 0) };
    Some(Duration::from_secs(seconds) + Duration::from_nanos(nanos))
}

/// Returns the value of the header: the time in the finest unit in which it fits, rounded down.
pub(super) fn write(time: Duration) -> String {
    let in_units = |nanos: u64| time.as_nanos() / u128::from(nanos);
    let fitting = UNITS.into_iter().find(|&(_, nanos)| in_units(nanos) <= u128::from(MAX));
    match fitting {
        // The specification does not allow zero.
        Some((unit, nanos)) => format!("{}{unit}", in_units(nanos).max(1)),
        None => format!("{MAX}H"),
    }
}

/// A header `grpc-timeout` does not conform to the specification; [`extract`] returns this error.
///
/// # Examples
///
/// ```
/// use contextvars::deadline;
/// use http::{HeaderMap, HeaderValue};
///
/// let mut headers = HeaderMap::new();
/// headers.insert("grpc-timeout", HeaderValue::from_static("5 seconds"));
/// let error = deadline::extract(&headers).unwrap_err();
/// assert!(error.to_string().starts_with("the header `grpc-timeout` is \"5 seconds\":"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct GrpcTimeoutError {
    /// The part of the value to be shown.
    shown: String,
}

impl GrpcTimeoutError {
    fn new(value: &[u8]) -> Self {
        // Enough to recognise the value: a client may send any bytes, and many of them.
        const SHOWN: usize = 24;
        let dots = if value.len() > SHOWN { ".." } else { "" };
        let shown = value[..value.len().min(SHOWN)].escape_ascii();
        Self { shown: format!("\"{shown}\"{dots}") }
    }
}

impl fmt::Display for GrpcTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shown } = self;
        write!(
            f,
            "the header `grpc-timeout` is {shown}: it must be up to 8 digits and a unit, one of `H`, `M`, `S`, `m` \
             (milliseconds), `u`, `n`"
        )
    }
}

impl fmt::Debug for GrpcTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GrpcTimeoutError").field(&format_args!("{self}")).finish()
    }
}

impl Error for GrpcTimeoutError {}
