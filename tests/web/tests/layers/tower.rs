//! `ContextLayer` around services of all kinds: what is current when, from the call to the last frame.

use std::convert::Infallible;
use std::future::{self, Ready};
use std::panic::{self, AssertUnwindSafe};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{self, Poll};

use bytes::Bytes;
use contextvars::tower::ContextLayer;
use contextvars::{Context, context_var, copy_context, with_context};
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt};

use crate::support::{REQUEST, TRANSACTION, Witness, Witnesses, id_of, text};

#[context_var(default = Vec::new())]
static NOTES: Vec<&'static str>;

#[context_var]
static OWNED: Witness;

fn note(text: &'static str) {
    let mut notes = NOTES.get();
    notes.push(text);
    NOTES.set(notes);
}

fn numbered(id: u32) -> Request<Empty<Bytes>> {
    Request::builder().header("x-request", id).body(Empty::new()).expect("a valid request")
}

/// Sets the request's id from its header.
fn number(request: &Request<Empty<Bytes>>) {
    REQUEST.set(id_of(request));
}

/// What a service sees of the two variables.
fn seen() -> (u32, u32) {
    (REQUEST.get(), TRANSACTION.get())
}

/// The answer that tells what the service saw, in the synchronous part of its `call` and in its future.
fn answer(in_call: (u32, u32)) -> impl Future<Output = Result<Response<String>, BoxError>> {
    future::poll_fn(move |_| Poll::Ready(Ok(Response::new(format!("{in_call:?} {:?}", seen())))))
}

/// What a service behind the layer answers to request 9.
async fn answer_behind<I>(layer: ContextLayer<I>) -> String
where
    I: contextvars::tower::Init<Request<Empty<Bytes>>> + Clone,
{
    let service = ServiceBuilder::new().layer(layer).service_fn(|_| answer(seen()));
    text(service.oneshot(numbered(9)).await.expect("it answers")).await
}

#[tokio::test]
async fn a_request_inherits_from_the_caller_but_what_must_stay_behind() {
    let answer = with_context!(REQUEST = 1, TRANSACTION = 2, async { answer_behind(ContextLayer::new()).await });
    assert_eq!(answer.await, "(1, 0) (1, 0)");
    let answer = with_context!(REQUEST = 1, async { answer_behind(ContextLayer::default()).await });
    assert_eq!(answer.await, "(1, 0) (1, 0)");
}

#[tokio::test]
async fn a_request_can_start_empty_or_from_a_given_context() {
    with_context!(REQUEST = 1, TRANSACTION = 2, async {
        assert_eq!(answer_behind(ContextLayer::from(Context::new())).await, "(0, 0) (0, 0)");
        // The context is given: nothing of it stays behind.
        let base = Context::new().with(&REQUEST, 3).with(&TRANSACTION, 4);
        assert_eq!(answer_behind(ContextLayer::from(base)).await, "(3, 4) (3, 4)");
        assert_eq!(seen(), (1, 2));
    })
    .await;
}

#[test]
fn layers_services_and_futures_show_how_their_contexts_begin() {
    let layer = ContextLayer::new();
    let shown = format!("{layer:?}");
    assert!(shown.starts_with("ContextLayer { base: ") && shown.contains(", carry: "), "{shown}");
    let mut service = layer.layer(Stepwise::new(0));
    let shown = format!("{service:?}");
    assert!(shown.starts_with("ContextService { inner: Stepwise") && shown.contains(", carry: "), "{shown}");
    let future = Context::new().with(&REQUEST, 7).run(|| service.call(numbered(9)));
    assert_eq!(format!("{future:?}"), "ResponseFuture { context: {REQUEST: 7}, .. }");
}

#[tokio::test]
async fn what_init_sets_is_the_requests_alone() {
    let base = Context::new().with(&REQUEST, 3);
    let layer = ContextLayer::from(base).init(|request: &Request<Empty<Bytes>>| {
        assert_eq!(REQUEST.get(), 3, "init runs in the request's context");
        number(request);
    });
    let service = ServiceBuilder::new().layer(layer).service_fn(|_| answer(seen()));
    let (first, second) = tokio::join!(service.clone().oneshot(numbered(9)), service.oneshot(numbered(10)));
    assert_eq!(text(first.expect("it answers")).await, "(9, 0) (9, 0)");
    assert_eq!(text(second.expect("it answers")).await, "(10, 0) (10, 0)");
    assert!(copy_context().is_empty());
}

#[tokio::test]
async fn a_request_that_carries_no_context_inherits_the_callers() {
    let answer = with_context!(REQUEST = 1, async { answer_behind(ContextLayer::carried()).await });
    assert_eq!(answer.await, "(1, 0) (1, 0)");
}

#[tokio::test]
async fn a_buffer_in_the_stack_hides_the_context_from_the_inner_call_only() {
    let service =
        ServiceBuilder::new().layer(ContextLayer::new().init(number)).buffer(4).service_fn(|_| answer(seen()));
    assert_eq!(text(service.oneshot(numbered(9)).await.expect("it answers")).await, "(0, 0) (9, 0)");
}

#[tokio::test]
async fn a_carried_context_gets_past_a_buffer() {
    let service = ServiceBuilder::new()
        .layer(
            ContextLayer::new()
                .init(|request: &Request<Empty<Bytes>>| {
                    number(request);
                    TRANSACTION.set(5);
                })
                .carry(),
        )
        .buffer(4)
        .layer(ContextLayer::carried().init(|_: &Request<Empty<Bytes>>| note("init")))
        .service_fn(|_| {
            note("call");
            let in_call = seen();
            async move {
                note("future");
                assert_eq!(NOTES.get(), ["init", "call", "future"]);
                answer(in_call).await
            }
        });
    let (first, second) = tokio::join!(service.clone().oneshot(numbered(9)), service.oneshot(numbered(10)));
    assert_eq!(text(first.expect("it answers")).await, "(9, 0) (9, 0)");
    assert_eq!(text(second.expect("it answers")).await, "(10, 0) (10, 0)");
}

/// A service, future and body that note where each of their steps happens.
#[derive(Clone, Debug)]
struct Stepwise {
    steps: Arc<Mutex<Vec<(&'static str, u32)>>>,
    /// How many more frames there will be, after a pending poll each.
    frames: u32,
    pending: bool,
}

impl Stepwise {
    fn new(frames: u32) -> Self {
        Self { steps: Arc::default(), frames, pending: true }
    }

    fn step(&self, what: &'static str) {
        self.steps.lock().unwrap().push((what, REQUEST.get()));
    }

    fn steps(&self) -> Vec<(&'static str, u32)> {
        self.steps.lock().unwrap().clone()
    }

    /// A part that notes its own end.
    fn part(&self, what: &'static str) -> Part {
        Part { steps: self.clone(), what }
    }
}

struct Part {
    steps: Stepwise,
    what: &'static str,
}

impl Drop for Part {
    fn drop(&mut self) {
        self.steps.step(self.what);
    }
}

impl Service<Request<Empty<Bytes>>> for Stepwise {
    type Response = Response<Part>;
    type Error = Infallible;
    type Future = Part;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        self.step("poll_ready");
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Empty<Bytes>>) -> Part {
        self.step("call");
        self.part("drop future")
    }
}

impl Future for Part {
    type Output = Result<Response<Self>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        self.steps.step("poll");
        if std::mem::take(&mut self.steps.pending) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(Response::new(self.steps.part("drop body"))))
    }
}

impl Body for Part {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.steps.step("frame");
        self.steps.pending = !self.steps.pending;
        if self.steps.pending {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.steps.frames == 0 {
            return Poll::Ready(None);
        }
        self.steps.frames -= 1;
        let frame = if self.steps.frames == 0 {
            Frame::trailers(HeaderMap::new())
        } else {
            Frame::data(Bytes::from_static(b"data"))
        };
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.steps.step("is_end_stream");
        false
    }

    fn size_hint(&self) -> SizeHint {
        self.steps.step("size_hint");
        SizeHint::with_exact(4)
    }
}

#[tokio::test]
async fn every_step_but_poll_ready_happens_in_the_requests_context() {
    let inner = Stepwise::new(2);
    let service = ContextLayer::new().init(number).layer(inner.clone());
    let mut body = service.oneshot(numbered(9)).await.expect("it answers").into_body();
    assert!(!body.is_end_stream());
    assert_eq!(body.size_hint().exact(), Some(4));
    assert!(body.frame().await.expect("a frame").expect("no error").is_data());
    assert!(body.frame().await.expect("a frame").expect("no error").is_trailers());
    assert!(body.frame().await.is_none());
    drop(body);
    let expected = [
        ("poll_ready", 0),
        ("call", 9),
        ("poll", 9),
        ("poll", 9),
        ("drop future", 9),
        ("is_end_stream", 9),
        ("size_hint", 9),
        ("frame", 9),
        ("frame", 9),
        ("frame", 9),
        ("frame", 9),
        ("frame", 9),
        ("frame", 9),
        ("drop body", 9),
    ];
    assert_eq!(inner.steps(), expected);
    assert!(copy_context().is_empty());
}

#[tokio::test]
async fn a_future_that_is_never_polled_is_dropped_in_the_context() {
    let inner = Stepwise::new(0);
    let mut service = ContextLayer::new().init(number).layer(inner.clone());
    drop(service.ready().await.expect("it is ready").call(numbered(9)));
    assert_eq!(inner.steps(), [("poll_ready", 0), ("call", 9), ("drop future", 9)]);
}

#[test]
#[should_panic(expected = "the future of a `ContextService` was polled after it had completed")]
fn a_future_that_is_polled_after_it_was_done_says_so() {
    let mut service = ContextLayer::new().layer(tower::service_fn(|_| answer(seen())));
    let mut future = pin!(service.call(numbered(9)));
    let cx = &mut task::Context::from_waker(task::Waker::noop());
    assert!(future.as_mut().poll(cx).is_ready());
    let _ = future.poll(cx);
}

#[tokio::test]
async fn a_body_that_is_never_read_is_dropped_in_the_context() {
    let inner = Stepwise::new(2);
    drop(ContextLayer::new().init(number).layer(inner.clone()).oneshot(numbered(9)).await);
    assert_eq!(inner.steps().last(), Some(&("drop body", 9)));
}

#[tokio::test]
async fn the_values_of_a_request_are_freed_with_its_body_or_its_error() {
    let (witnesses, mut freed) = Witnesses::new();
    let layer = ContextLayer::from(Context::new()).init(move |_: &Request<Empty<Bytes>>| {
        OWNED.set(witnesses.witness());
    });
    let service = ServiceBuilder::new().layer(layer).service_fn(|request| async move {
        match id_of(&request) {
            0 => Err("an error".to_owned()),
            _ => Ok(Response::new("a body".to_owned())),
        }
    });
    let response = service.clone().oneshot(numbered(1)).await.expect("it answers");
    assert!(freed.try_recv().is_err(), "the body still needs the context");
    drop(response);
    assert!(freed.try_recv().is_ok());
    let error = service.oneshot(numbered(0)).await.expect_err("it fails");
    assert!(freed.try_recv().is_ok());
    assert_eq!(error, "an error");
}

#[tokio::test]
async fn a_panic_anywhere_leaves_the_callers_context_as_it_was() {
    fn boom<T>() -> T {
        REQUEST.set(99);
        panic::resume_unwind(Box::new("boom"))
    }
    async fn in_future(_: Request<Empty<Bytes>>) -> Result<Response<String>, Infallible> {
        boom()
    }
    fn in_call(_: Request<Empty<Bytes>>) -> Ready<Result<Response<String>, Infallible>> {
        boom()
    }
    let in_init = |_: &Request<Empty<Bytes>>| boom();

    let token = REQUEST.set(1);
    let calls: [Box<dyn FnOnce()>; 3] = [
        Box::new(|| {
            let mut future = pin!(ContextLayer::new().layer(tower::service_fn(in_future)).call(numbered(9)));
            let mut cx = task::Context::from_waker(task::Waker::noop());
            assert!(future.as_mut().poll(&mut cx).is_pending(), "it panics instead");
        }),
        Box::new(|| drop(ContextLayer::new().layer(tower::service_fn(in_call)).call(numbered(9)))),
        Box::new(|| drop(ContextLayer::new().init(in_init).layer(tower::service_fn(in_future)).call(numbered(9)))),
    ];
    for call in calls {
        assert!(panic::catch_unwind(AssertUnwindSafe(call)).is_err());
        assert_eq!(REQUEST.get(), 1);
    }
    REQUEST.reset(token).expect("the context is the same");
}
