//! `AnyContextLayer` around services whose requests are not HTTP's: strings, events of Lambda, tasks of apalis.

use std::convert::Infallible;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{self, Poll, Waker};

use apalis_core::backend::TaskSink;
use apalis_core::backend::memory::MemoryStorage;
use apalis_core::task::Task;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use contextvars::tower::AnyContextLayer;
use contextvars::{Context, ContextExt, context_var, inherit_context, tokio, with_context};
use lambda_runtime::LambdaEvent;
use tokio::sync::Barrier;
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::support::{REQUEST, TRANSACTION, Witnesses};

#[context_var(default = String::new())]
static NAME: String;

/// A service that says whose request it is: in its call, after it has waited, and in a spawned task.
async fn greet(_: String) -> Result<[String; 2], BoxError> {
    tokio::task::yield_now().await;
    Ok([NAME.get(), tokio::spawn(async { NAME.get() }).await?])
}

/// The layer that sets the name that is asked for.
fn naming() -> AnyContextLayer<impl Fn(&String) + Clone> {
    AnyContextLayer::new().init(|request: &String| drop(NAME.set(request.clone())))
}

#[tokio::test]
async fn the_initialiser_sees_the_request_and_sets_what_the_service_and_its_tasks_see() {
    let service = ServiceBuilder::new().layer(naming()).service_fn(greet);
    assert_eq!(service.oneshot("ada".to_owned()).await.expect("it answers"), ["ada", "ada"]);
    assert!(!NAME.is_set());
}

#[tokio::test]
async fn a_context_comes_from_the_caller_or_from_the_layer() {
    let seen = async |layer: AnyContextLayer| {
        let service = layer.layer(service_fn(async |()| Ok::<_, Infallible>((NAME.get(), TRANSACTION.get()))));
        let Ok(seen) =
            with_context!(NAME = "host".to_owned(), TRANSACTION = 7, async { service.oneshot(()).await }).await;
        seen
    };
    assert_eq!(seen(AnyContextLayer::new()).await, ("host".to_owned(), 0));
    assert_eq!(seen(AnyContextLayer::default()).await, ("host".to_owned(), 0));
    assert_eq!(seen(AnyContextLayer::from(Context::new())).await, (String::new(), 0));
    let given = Context::new().with(&NAME, "given".to_owned());
    assert_eq!(seen(AnyContextLayer::from(given)).await, ("given".to_owned(), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_at_the_same_time_keep_their_own_values() {
    const REQUESTS: usize = 200;
    let barrier = Arc::new(Barrier::new(REQUESTS));
    let service = AnyContextLayer::new().init(|id: &u32| drop(REQUEST.set(*id))).layer(service_fn(move |_: u32| {
        let (in_call, barrier) = (REQUEST.get(), Arc::clone(&barrier));
        async move {
            barrier.wait().await;
            Ok::<_, Infallible>([in_call, REQUEST.get()])
        }
    }));
    let mut requests = tokio::task::JoinSet::new();
    for id in 1..=u32::try_from(REQUESTS).expect("it is small") {
        let service = service.clone();
        requests.spawn(async move { (id, service.oneshot(id).await) });
    }
    while let Some(done) = requests.join_next().await {
        let (id, seen) = done.expect("the task ends");
        assert_eq!(seen, Ok([id, id]));
    }
}

#[tokio::test]
async fn an_event_of_lambda_has_a_context_of_its_own() {
    let handler =
        service_fn(async |event: LambdaEvent<u32>| Ok::<_, lambda_runtime::Error>((event.payload, NAME.get())));
    let layer =
        AnyContextLayer::new().init(|event: &LambdaEvent<u32>| drop(NAME.set(event.context.request_id.clone())));
    let mut service = layer.layer(handler);
    for number in 1..=2 {
        let mut context = lambda_runtime::Context::default();
        context.request_id = format!("invocation {number}");
        let event = LambdaEvent::new(number, context);
        let answer = service.ready().await.expect("it is ready").call(event).await.expect("it answers");
        assert_eq!(answer, (number, format!("invocation {number}")));
    }
    assert!(!NAME.is_set());
}

#[tokio::test]
async fn a_task_of_apalis_has_a_context_of_its_own() {
    const TASKS: u32 = 5;
    let mut backend = MemoryStorage::new();
    for number in 1..=TASKS {
        backend.push(number).await.expect("there is room");
    }
    let seen = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&seen);
    let work = move |number: u32, worker: WorkerContext| {
        let tell = Arc::clone(&tell);
        async move {
            tokio::task::yield_now().await;
            let done = {
                let mut seen = tell.lock().unwrap_or_else(PoisonError::into_inner);
                seen.push((number, REQUEST.get()));
                seen.len()
            };
            REQUEST.set(0);
            if done == TASKS as usize {
                worker.stop().expect("it is running");
            }
        }
    };
    let layer = AnyContextLayer::new().init(|task: &Task<u32>| drop(REQUEST.set(task.args)));
    let worker = WorkerBuilder::new("worker").backend(backend).layer(layer).build(work);
    worker.run().await.expect("it ends");
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    seen.sort_unstable();
    assert_eq!(seen, (1..=TASKS).map(|number| (number, number)).collect::<Vec<_>>());
    assert!(!REQUEST.is_set());
}

#[tokio::test]
async fn past_a_buffer_a_request_takes_its_context_along_as_half_of_a_pair() {
    let service = ServiceBuilder::new()
        .layer(naming())
        .map_request(|request: String| (inherit_context(), request))
        .buffer(8)
        .service_fn(|(ctx, request): (Context, String)| greet(request).in_context(ctx));
    assert_eq!(service.oneshot("ada".to_owned()).await.expect("it answers"), ["ada", "ada"]);
}

#[test]
fn a_request_that_panics_or_is_given_up_is_dropped_in_its_context_and_leaves_nothing() {
    let (witnesses, mut told) = Witnesses::new();
    let layer = AnyContextLayer::new().init(|request: &(u32, bool)| drop(REQUEST.set(request.0)));
    let mut service = layer.layer(service_fn(move |(_, panics): (u32, bool)| {
        let witness = witnesses.witness();
        async move {
            let _witness = witness;
            assert!(!panics, "the service's");
            pending::<Result<(), Infallible>>().await
        }
    }));
    for (id, panics) in [(1, true), (2, false)] {
        let mut response = Box::pin(service.call((id, panics)));
        let polled =
            catch_unwind(AssertUnwindSafe(|| response.as_mut().poll(&mut task::Context::from_waker(Waker::noop()))));
        assert_eq!(polled.is_err(), panics);
        assert!(!REQUEST.is_set());
        drop(response);
        assert_eq!(told.try_recv(), Ok(id));
    }
}

#[test]
fn an_initialiser_that_panics_leaves_nothing() {
    let layer = AnyContextLayer::new().init(|(): &()| {
        REQUEST.set(7);
        panic!("the initialiser's");
    });
    let mut service = layer.layer(service_fn(async |()| Ok::<_, Infallible>(())));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(service.call(())))).is_err());
    assert!(!REQUEST.is_set());
}

#[test]
fn the_service_is_ready_when_the_inner_one_is_and_shows_its_type() {
    /// Is never ready.
    #[derive(Clone, Debug)]
    struct Busy;
    impl Service<()> for Busy {
        type Response = ();
        type Error = Infallible;
        type Future = std::future::Ready<Result<(), Infallible>>;
        fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Pending
        }
        fn call(&mut self, (): ()) -> Self::Future {
            unreachable!("it is never ready")
        }
    }
    let mut service = AnyContextLayer::new().layer(Busy);
    let cx = &mut task::Context::from_waker(Waker::noop());
    assert!(Service::<()>::poll_ready(&mut service, cx).is_pending());
    assert_eq!(format!("{service:?}"), "AnyContextService { inner: Busy, layer: AnyContextLayer { base: None, .. } }");
}
