//! Which OpenTelemetry context is current where: in a child that of its start, and never a neighbour's.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::mpsc;
use std::task::{Poll, Waker};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, Response};
use contextvars::carry::suppressed;
use contextvars::tower::ContextLayer;
use contextvars::{
    Context as Variables, ContextExt, context_var, copy_context, inherit_context, rayon, thread, tokio, with_context,
};
use contextvars_opentelemetry::carry;
use http_body::Frame;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::context::WithContext;
use opentelemetry::trace::{FutureExt, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use tower::{ServiceBuilder, ServiceExt, service_fn};

/// A variable beside the context that is carried.
#[context_var(default = 0)]
static NUMBER: u32;

/// A variable that no child may have.
#[context_var(default = 0, inherit = false)]
static TRANSACTION: u32;

/// A context whose active span has this number.
fn span(number: u8) -> Context {
    derived(&Context::new(), number)
}

/// The same, but for the span.
fn derived(cx: &Context, number: u8) -> Context {
    let span = SpanId::from_bytes([number; 8]);
    let trace = TraceId::from_bytes([number; 16]);
    cx.with_remote_span_context(SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::NONE))
}

/// The number of the span that is active here; 0 if there is none.
fn here() -> u8 {
    Context::map_current(|cx| cx.span().span_context().span_id().to_bytes()[0])
}

/// Calls `f` with `cx` attached.
fn within<R>(cx: Context, f: impl FnOnce() -> R) -> R {
    let _attached = cx.attach();
    f()
}

/// The context of a child that was started in a span of this number.
fn child(number: u8) -> Variables {
    carry();
    within(span(number), inherit_context)
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(Waker::noop()))
}

/// Pending once, then ready.
async fn step() {
    let mut is_first = true;
    poll_fn(|_| if std::mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) }).await;
}

/// Sends in its `Drop` the number of the active span.
struct Witness(mpsc::Sender<u8>);

impl Witness {
    fn new() -> (Self, mpsc::Receiver<u8>) {
        let (sender, seen) = mpsc::channel();
        (Self(sender), seen)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.send(here()).unwrap();
    }
}

#[test]
fn a_thread_inherits_and_a_plain_one_does_not() {
    carry();
    within(span(1), || {
        assert_eq!(thread::spawn(here).join().unwrap(), 1);
        assert_eq!(std::thread::spawn(here).join().unwrap(), 0);
    });
    assert_eq!(here(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_and_blocking_functions_inherit_at_any_depth() {
    carry();
    let work = async {
        let task = tokio::spawn(async {
            assert_eq!(here(), 1);
            tokio::task::yield_now().await;
            let inner = tokio::spawn(async { here() }).await.unwrap();
            let function = tokio::task::spawn_blocking(|| (here(), thread::spawn(here).join().unwrap())).await.unwrap();
            (inner, function, tokio::task::run_blocking(here).await)
        });
        assert_eq!(task.await.unwrap(), (1, (1, 1), 1));
    };
    work.with_context(span(1)).await;
    assert_eq!(here(), 0);
}

#[tokio::test]
async fn a_spawned_future_gets_no_variable_that_must_stay_behind() {
    carry();
    let seen = with_context!(NUMBER = 7, TRANSACTION = 7, async {
        let work = async { (here(), NUMBER.get(), TRANSACTION.get()) };
        let inline = work.with_context(span(1)).await;
        let work = async { (here(), NUMBER.get(), TRANSACTION.get()) };
        let spawned = tokio::spawn(work.with_context(span(2))).await.unwrap();
        (inline, spawned)
    });
    assert_eq!(seen.await, ((1, 7, 7), (2, 7, 0)));
}

#[test]
fn jobs_of_rayon_inherit() {
    carry();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    assert_eq!(within(span(1), || pool.install(|| rayon::join(here, here))), (1, 1));
    assert_eq!(pool.install(here), 0);
}

#[test]
fn a_job_never_sees_the_span_of_a_worker_that_waits() {
    carry();
    // One worker: while it waits, there is no other thread to run the jobs.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let (sender, seen) = mpsc::channel();
    pool.install(|| {
        rayon::scope(|jobs| {
            let (of_another, of_none) = (sender.clone(), sender.clone());
            within(span(2), || jobs.spawn(move |_| of_another.send(here()).unwrap()));
            jobs.spawn(move |_| of_none.send(here()).unwrap());
            within(span(1), || {
                while rayon::yield_now() == Some(rayon::Yield::Executed) {}
                assert_eq!(here(), 1);
            });
        });
    });
    let mut seen: Vec<_> = seen.try_iter().collect();
    seen.sort_unstable();
    assert_eq!(seen, [0, 2]);
}

#[test]
fn a_child_that_was_started_in_no_context_is_in_none_wherever_it_runs() {
    carry();
    let mut context = inherit_context();
    within(span(1), || {
        assert_eq!(context.run(|| (here(), thread::spawn(here).join().unwrap())), (0, 0));
        assert_eq!(futures_executor::block_on(async { here() }.in_context(context)), 0);
        assert_eq!(here(), 1);
    });
}

#[test]
fn interleaved_futures_on_one_thread_never_see_each_others_span() {
    async fn steps(number: u8) {
        for _ in 0..10 {
            assert_eq!(here(), number);
            step().await;
        }
    }
    let mut one = pin!(steps(1).in_context(child(1)));
    let mut other = pin!(steps(2).in_context(child(2)));
    for _ in 0..10 {
        assert!(poll_once(one.as_mut()).is_pending());
        assert_eq!(here(), 0);
        assert!(poll_once(other.as_mut()).is_pending());
    }
    assert!(poll_once(one).is_ready() && poll_once(other).is_ready());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_on_many_workers_never_see_each_others_span() {
    carry();
    let tasks: Vec<_> = (1..=200)
        .map(|number| {
            let work = async move {
                for _ in 0..50 {
                    assert_eq!(here(), number);
                    tokio::task::yield_now().await;
                }
                assert_eq!(tokio::spawn(async { here() }).await.unwrap(), number);
            };
            within(span(number), || tokio::spawn(work))
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// A panic without a message.
fn unwind() {
    std::panic::resume_unwind(Box::new("on purpose"))
}

#[test]
fn a_panic_in_a_poll_leaves_both_contexts_of_the_caller_as_they_were() {
    let work = async {
        NUMBER.set(7);
        unwind();
    };
    let (mut of_work, mut of_call) = (Box::pin(work.in_context(child(2))), child(3));
    within(span(1), || {
        assert!(catch_unwind(AssertUnwindSafe(|| poll_once(of_work.as_mut()))).is_err());
        assert_eq!((here(), NUMBER.get()), (1, 0));
        assert!(catch_unwind(AssertUnwindSafe(|| of_call.run(unwind))).is_err());
        assert_eq!(here(), 1);
    });
    assert_eq!(here(), 0);
}

#[test]
fn a_future_is_dropped_in_its_contexts_polled_or_not() {
    let (witness, seen) = Witness::new();
    drop(async move { drop(witness) }.in_context(child(1)));
    assert_eq!(seen.recv(), Ok(1));

    let (witness, seen) = Witness::new();
    let work = async move {
        let _witness = witness;
        step().await;
    };
    let mut halfway = Box::pin(work.in_context(child(2)));
    assert!(poll_once(halfway.as_mut()).is_pending());
    within(span(3), || drop(halfway));
    assert_eq!(seen.recv(), Ok(2));
    assert_eq!(here(), 0);
}

#[tokio::test]
async fn an_aborted_task_is_dropped_in_its_contexts() {
    carry();
    let (witness, seen) = Witness::new();
    let work = async move {
        let _witness = witness;
        pending::<()>().await;
    };
    let task = within(span(1), || tokio::spawn(work));
    tokio::task::yield_now().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(seen.recv(), Ok(1));
}

#[test]
fn guards_of_opentelemetry_dropped_out_of_order_leave_what_the_child_has() {
    child(1).run(|| {
        let second = span(2).attach();
        let third = span(3).attach();
        assert_eq!(here(), 3);
        drop(second);
        assert_eq!(here(), 3);
        drop(third);
        assert_eq!(here(), 1);
    });
    assert_eq!(here(), 0);
}

#[test]
fn a_guard_that_outlives_a_child_takes_nothing_along() {
    let guard = child(1).run(|| derived(&Context::current(), 2).attach());
    assert_eq!(here(), 2, "as OpenTelemetry has it for guards that are dropped out of order");
    drop(guard);
    assert_eq!(here(), 0);
}

#[test]
fn what_is_attached_in_a_child_is_what_its_children_inherit_whatever_is_in_it() {
    #[derive(Debug, PartialEq)]
    struct Other(u8);
    let in_thread = |cx: Context| within(cx, || thread::spawn(Context::current).join().unwrap());
    child(1).run(|| {
        let cx = in_thread(derived(&Context::current(), 2));
        assert_eq!(within(cx, here), 2);
        let cx = in_thread(Context::new());
        assert!(!cx.has_active_span(), "an empty one, attached on purpose, is not mistaken for none");
        let cx = in_thread(Context::new().with_value(Other(7)));
        assert_eq!((cx.has_active_span(), cx.get::<Other>()), (false, Some(&Other(7))));
        let cx = in_thread(Context::new().with_baggage([KeyValue::new("k", "v")]));
        assert_eq!((cx.has_active_span(), cx.baggage().len()), (false, 1));
        assert!(in_thread(Context::new().with_telemetry_suppressed()).is_telemetry_suppressed());
        assert_eq!(here(), 1);
    });
}

#[test]
fn suppressed_telemetry_is_suppressed_in_children_and_not_elsewhere() {
    carry();
    let is_suppressed = || Context::map_current(Context::is_telemetry_suppressed);
    let _suppressed = Context::enter_telemetry_suppressed_scope();
    let mut context = inherit_context();
    let thread = thread::spawn(move || (is_suppressed(), thread::spawn(is_suppressed).join().unwrap()));
    assert_eq!(thread.join().unwrap(), (true, true));
    let plain = std::thread::spawn(move || (is_suppressed(), context.run(is_suppressed), is_suppressed()));
    assert_eq!(plain.join().unwrap(), (false, true, false));
}

#[tokio::test]
async fn detached_work_has_none_and_an_empty_context_of_variables_leaves_it_alone() {
    carry();
    let work = async {
        assert_eq!(tokio::spawn_detached(async { here() }).await.unwrap(), 0);
        assert_eq!(suppressed(|| thread::spawn(here)).join().unwrap(), 0);
        assert_eq!(within(Context::new(), || thread::spawn(here)).join().unwrap(), 0);
        assert_eq!(Variables::new().run(|| (here(), thread::spawn(here).join().unwrap())), (1, 1));
        assert_eq!(tokio::spawn(async { here() }.in_context(Variables::new())).await.unwrap(), 1);
    };
    work.with_context(span(1)).await;
}

#[test]
fn a_context_of_variables_that_is_entered_outside_is_seen_inside() {
    carry();
    let ctx = inherit_context().with(&NUMBER, 7);
    let work = async { (here(), NUMBER.get()) }.with_context(span(1)).in_context(ctx);
    assert_eq!(futures_executor::block_on(work), (1, 7));
}

#[test]
fn a_childs_context_carries_it_to_wherever_it_is_run_and_a_copy_does_not() {
    let mut context = child(1);
    within(span(2), || {
        assert_eq!(context.run(here), 1);
        let mut copy = context.run(copy_context);
        assert_eq!(copy.run(here), 2);
        assert_eq!(context.run(|| with_context!(NUMBER = 1, { here() })), 1);
        assert_eq!(here(), 2);
    });
    assert_eq!(std::thread::spawn(move || context.run(here)).join().unwrap(), 1);
}

/// A body that has in each frame the number of the active span.
struct Frames(u8);

impl axum::body::HttpBody for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0 += 1;
        Poll::Ready((self.0 <= 2).then(|| Ok(Frame::data(format!("{} ", here()).into()))))
    }
}

#[tokio::test]
async fn a_request_of_a_context_layer_inherits_to_the_last_frame_of_its_body() {
    carry();
    let handler = service_fn(async |_: Request<Body>| {
        assert_eq!(here(), 1);
        assert_eq!(tokio::spawn(async { here() }).await.unwrap(), 1);
        Ok::<_, Infallible>(Response::new(Body::new(Frames(0))))
    });
    let service = ServiceBuilder::new().layer(ContextLayer::new()).service(handler);
    let request = async { service.oneshot(Request::new(Body::empty())).await.unwrap() };
    let response = request.with_context(span(1)).await;
    assert_eq!(here(), 0);
    let body = to_bytes(Body::new(response.into_body()), usize::MAX).await.unwrap();
    assert_eq!(body, "1 1 ");
}

#[tokio::test]
async fn a_layer_that_attaches_around_the_polls_alone_belongs_inside_of_the_context_layer() {
    async fn handle(_: Request<()>) -> Result<Response<(u8, u8)>, Infallible> {
        Ok(Response::new((here(), tokio::spawn(async { here() }).await.unwrap())))
    }
    fn in_polls<F: Future>(request: F) -> WithContext<F> {
        request.with_context(span(1))
    }

    carry();
    let inside = ServiceBuilder::new().layer(ContextLayer::new()).map_future(in_polls);
    let response = inside.service_fn(handle).oneshot(Request::new(())).await.unwrap();
    assert_eq!(response.into_body().into_parts().0, (1, 1));
    let outside = ServiceBuilder::new().map_future(in_polls).layer(ContextLayer::new());
    let response = outside.service_fn(handle).oneshot(Request::new(())).await.unwrap();
    assert_eq!(response.into_body().into_parts().0, (0, 0), "nothing was attached where the service was called");
}

/// Runs and makes contexts of children in its `Drop`, and says that it did.
struct Runs(Variables, mpsc::Sender<u32>);

impl Drop for Runs {
    fn drop(&mut self) {
        self.0.run(|| drop(inherit_context()));
        // The test may have failed already.
        let _ = self.1.send(self.0.run(|| NUMBER.get()));
    }
}

#[test]
fn at_the_end_of_a_thread_contexts_are_made_run_and_dropped_without_a_panic() {
    thread_local! {
        static KEPT: RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>> = const { RefCell::new(None) };
    }
    let (sender, ended) = mpsc::channel();
    let last = Runs(child(1).with(&NUMBER, 7), sender);
    let thread = std::thread::spawn(move || {
        // First, and so the last to go: OpenTelemetry's thread-local is gone by then.
        KEPT.with(|_| ());
        let work = async move {
            let _last = last;
            step().await;
        };
        let mut work = Box::pin(work.in_context(child(2)));
        assert!(poll_once(work.as_mut()).is_pending());
        KEPT.set(Some(work));
    });
    thread.join().unwrap();
    assert_eq!(ended.recv(), Ok(7));
}

#[test]
fn values_that_opentelemetry_itself_drops_at_the_end_of_a_thread_may_make_and_run_contexts() {
    let (sender, ended) = mpsc::channel();
    let last = Runs(child(1).with(&NUMBER, 7), sender);
    let thread = std::thread::spawn(move || {
        assert_eq!(child(1).run(here), 1);
        // A guard that is forgotten leaves the context to the thread-local.
        std::mem::forget(span(2).with_value(last).attach());
    });
    thread.join().unwrap();
    assert_eq!(ended.recv(), Ok(7));
}
