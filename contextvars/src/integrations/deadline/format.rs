//! [`GrpcTimeout`]: the header `grpc-timeout` as a format for the layers of `contextvars::headers`.

use std::panic::Location;

use super::grpc_timeout::{NAME, shorter, write};
use super::{DEADLINE, Deadline};
use crate::context::Context;
use crate::propagation::{Extractor, Format, Injector, Skipped};

/// The deadline in the header `grpc-timeout`, for the layers of [`headers`](crate::headers), alone or with other
/// formats.
///
/// An incoming request with the header has that deadline, or the current one of the caller, if that is earlier. Of
/// several headers, the shortest is used. If one does not conform to the specification, all are left out and reported
/// as one [`Skipped`], and the request is served without them. To reject the request instead, call
/// [`extract`](super::extract).
///
/// An outgoing request gets the time that is left, or no such header if no deadline is set. An existing header is
/// replaced or removed, even if its time is shorter, such as that of tonic's `Request::set_timeout`. To send a shorter
/// time, make the request in a [scope](Deadline::scope), or call [`inject`](super::inject) instead of using the layer.
/// With `by_destination`, the header is sent only to destinations for which the function returns this format.
///
/// The layers only set the deadline. To enforce it, await [`run_until_deadline`](super::run_until_deadline) in the
/// handler, or in a layer inside.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use contextvars::deadline::{DEADLINE, Deadline, GrpcTimeout};
/// use contextvars::headers::{ExtractLayer, InjectLayer, Settings};
/// use http::{Request, Response};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # async fn test() {
/// // A client, and the service that it calls.
/// let service = service_fn(async |_: Request<()>| {
///     Ok::<_, std::io::Error>(Response::new(DEADLINE.try_with(Deadline::remaining).ok()))
/// });
/// let service = ExtractLayer::of((Settings::new(), GrpcTimeout::new())).layer(service);
/// let client = InjectLayer::of((Settings::new(), GrpcTimeout::new())).layer(service);
///
/// let five_seconds = Duration::from_secs(5);
/// let call = Deadline::within(five_seconds).scope(client.oneshot(Request::new(())));
/// assert_eq!(call.await.unwrap().into_body(), Some(five_seconds));
/// # }
/// # fn main() {
/// # use contextvars::tokio;
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(test());
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct GrpcTimeout {
    made_at: &'static Location<'static>,
}

impl GrpcTimeout {
    /// Returns the format. The place of this call is [`Deadline::set_at`] of the deadlines that it reads.
    #[expect(clippy::new_without_default, reason = "a default would name a place in this crate")]
    #[must_use]
    #[track_caller]
    pub const fn new() -> Self {
        Self { made_at: Location::caller() }
    }
}

impl Format for GrpcTimeout {
    fn extract(&self, headers: &dyn Extractor, context: Context) -> (Context, Vec<Skipped>) {
        let mut shortest = Ok(None);
        headers.each_value(NAME, &mut |value| {
            if let Ok(before) = shortest {
                shortest = shorter(before, value).map(Some).map_err(|_| ());
            }
        });
        match shortest {
            Ok(Some(timeout)) => {
                let deadline = Deadline::after(timeout, self.made_at).or_earlier(context.get(&DEADLINE).copied());
                (context.with(&DEADLINE, deadline), Vec::new())
            }
            Ok(None) => (context, Vec::new()),
            Err(()) => (context, vec![Skipped::wrong_value(NAME, "Deadline")]),
        }
    }

    fn inject(&self, headers: &mut dyn Injector) -> Vec<Skipped> {
        headers.set(NAME, DEADLINE.try_with(Deadline::remaining).ok().map(write));
        Vec::new()
    }

    fn remove(&self, headers: &mut dyn Injector) {
        headers.set(NAME, None);
    }
}
