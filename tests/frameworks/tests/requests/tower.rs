//! Services of tower whose requests are not HTTP's: jobs, events, messages.

use std::convert::Infallible;
use std::sync::Arc;

use contextvars::tower::AnyContextLayer;
use tokio::sync::Barrier;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};

use crate::support::REQUEST_ID;

/// A request of any type.
struct Job {
    id: u64,
    meeting: Arc<Barrier>,
}

/// Says which request is known in the call, and which in the future.
fn work(job: Job) -> impl Future<Output = Result<String, Infallible>> + Send {
    let in_call = REQUEST_ID.get();
    async move {
        job.meeting.wait().await;
        Ok(format!("{in_call} {}", REQUEST_ID.get()))
    }
}

/// The answers to two jobs at the same time.
async fn both<S>(service: S) -> [String; 2]
where
    S: Service<Job, Response = String, Error: Into<BoxError>> + Clone,
{
    let meeting = Arc::new(Barrier::new(2));
    let job = async |id| {
        let job = Job { id, meeting: meeting.clone() };
        service.clone().oneshot(job).await.map_err(Into::into).expect("it answers")
    };
    tokio::join!(job(1), job(2)).into()
}

#[tokio::test]
async fn requests_of_any_type_have_their_own_values() {
    let service = ServiceBuilder::new()
        .layer(AnyContextLayer::new().init(|job: &Job| drop(REQUEST_ID.set(job.id))))
        .service_fn(work);
    assert_eq!(both(service).await, ["1 1", "2 2"]);
}

#[tokio::test]
async fn without_the_layer_requests_have_no_values() {
    assert_eq!(both(tower::service_fn(work)).await, ["0 0", "0 0"]);
}

#[tokio::test]
async fn inside_of_a_buffer_the_call_has_no_values_and_the_future_has() {
    let service = ServiceBuilder::new()
        .layer(AnyContextLayer::new().init(|job: &Job| drop(REQUEST_ID.set(job.id))))
        .buffer(8)
        .service_fn(work);
    assert_eq!(both(service).await, ["0 1", "0 2"]);
}
