//! Whose OpenTelemetry context it is that work sees: its own or the one it inherited, and never a neighbour's.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, Response};
use contextvars::tower::ContextLayer;
use contextvars::{Context as Variables, ContextExt, context_var, copy_context, rayon, thread, tokio, with_context};
use contextvars_opentelemetry::{OpenTelemetryExt, current, scope};
use http_body::Frame;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use tower::{ServiceBuilder, ServiceExt, service_fn};

/// A variable beside the context that is carried.
#[context_var(default = 0)]
static NUMBER: u32;

/// What no child may have.
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

/// The number of a context's active span; 0 if there is none.
fn number(cx: &Context) -> u8 {
    cx.span().span_context().span_id().to_bytes()[0]
}

/// The number of the span that [`current`] says is active.
fn here() -> u8 {
    number(&current())
}

/// The number of the span that OpenTelemetry says is active.
fn attached() -> u8 {
    number(&Context::current())
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(Waker::noop()))
}

/// Pending once, then ready.
async fn step() {
    let mut is_first = true;
    poll_fn(|_| if std::mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) }).await;
}

/// What OpenTelemetry and [`current`] said, each time.
type Seen = Arc<Mutex<Vec<(u8, u8)>>>;

/// Tells in its `Drop` which spans are current.
struct Witness(Seen);

impl Witness {
    fn new() -> (Self, Seen) {
        let seen = Seen::default();
        (Self(Arc::clone(&seen)), seen)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.lock().unwrap().push((attached(), here()));
    }
}

#[test]
fn a_thread_inherits_and_a_scope_attaches() {
    scope(span(1), || {
        let seen = thread::spawn(|| (attached(), here(), scope(current(), attached), attached())).join().unwrap();
        assert_eq!(seen, (0, 1, 1, 0));
        let plain = std::thread::spawn(|| (attached(), here())).join().unwrap();
        assert_eq!(plain, (0, 0), "the plain one has nothing to do with us");
    });
    assert_eq!((attached(), here()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_and_blocking_functions_inherit_at_any_depth() {
    let work = async {
        let task = tokio::spawn(async {
            assert_eq!((attached(), here()), (0, 1), "inherited; nothing attaches it unasked");
            let inner = tokio::spawn(async { (attached(), here()) }.in_current_opentelemetry()).await.unwrap();
            let function = tokio::task::spawn_blocking(|| (here(), scope(current(), attached))).await.unwrap();
            (inner, function)
        });
        assert_eq!(task.await.unwrap(), ((1, 1), (1, 1)));
    };
    work.in_opentelemetry(span(1)).await;
    assert_eq!((attached(), here()), (0, 0));
}

#[tokio::test]
async fn a_spawned_future_gets_no_variable_that_must_stay_behind() {
    let seen = with_context!(NUMBER = 7, TRANSACTION = 7, async {
        let work = async { (here(), NUMBER.get(), TRANSACTION.get()) };
        let inline = work.in_opentelemetry(span(1)).await;
        let work = async { (here(), NUMBER.get(), TRANSACTION.get()) };
        let spawned = tokio::spawn(work.in_opentelemetry(span(2))).await.unwrap();
        (inline, spawned)
    });
    assert_eq!(seen.await, ((1, 7, 7), (2, 7, 0)));
}

#[test]
fn jobs_of_rayon_inherit() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let seen = scope(span(1), || {
        pool.install(|| rayon::join(|| (here(), scope(current(), attached)), || (here(), scope(current(), attached))))
    });
    assert_eq!(seen, ((1, 1), (1, 1)));
}

#[test]
fn a_job_never_sees_the_span_of_a_worker_that_waits() {
    // One worker: while it waits in `install` of its own scope, it has nobody but itself to run the job.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let (sender, seen) = mpsc::channel();
    pool.install(|| {
        rayon::scope(|jobs| {
            let (of_another, of_nobody) = (sender.clone(), sender.clone());
            let mut another = Variables::new();
            scope(span(2), || another = copy_context());
            another.run(|| jobs.spawn(move |_| of_another.send((here(), scope(current(), attached))).unwrap()));
            Variables::new().run(|| jobs.spawn(move |_| of_nobody.send((here(), scope(current(), attached))).unwrap()));
            // The worker waits, with a span attached, and runs the two meanwhile.
            scope(span(1), || {
                while rayon::yield_now() == Some(rayon::Yield::Executed) {}
                assert_eq!((attached(), here()), (1, 1));
            });
        });
    });
    let mut seen: Vec<_> = seen.try_iter().collect();
    seen.sort_unstable();
    assert_eq!(seen, [(0, 0), (2, 2)]);
}

#[test]
fn interleaved_futures_on_one_thread_never_see_each_others_span() {
    async fn steps(number: u8) {
        for _ in 0..10 {
            assert_eq!((attached(), here()), (number, number));
            step().await;
        }
    }
    let mut one = pin!(steps(1).in_opentelemetry(span(1)));
    let mut other = pin!(steps(2).in_opentelemetry(span(2)));
    for _ in 0..10 {
        assert!(poll_once(one.as_mut()).is_pending());
        assert_eq!((attached(), here()), (0, 0));
        assert!(poll_once(other.as_mut()).is_pending());
    }
    assert!(poll_once(one).is_ready() && poll_once(other).is_ready());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_on_many_workers_never_see_each_others_span() {
    let tasks: Vec<_> = (1..=200)
        .map(|number| {
            let work = async move {
                for _ in 0..50 {
                    assert_eq!((attached(), here()), (number, number));
                    tokio::task::yield_now().await;
                }
            };
            tokio::spawn(work.in_opentelemetry(span(number)))
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
    scope(span(1), || {
        let mut work = Box::pin(work.in_opentelemetry(span(2)));
        assert!(catch_unwind(AssertUnwindSafe(|| poll_once(work.as_mut()))).is_err());
        assert_eq!((attached(), here(), NUMBER.get()), (1, 1, 0));
        assert!(catch_unwind(|| scope(span(3), unwind)).is_err());
        assert_eq!((attached(), here()), (1, 1));
    });
}

#[test]
fn a_future_is_dropped_in_its_contexts_polled_or_not() {
    let (witness, seen) = Witness::new();
    drop(async move { drop(witness) }.in_opentelemetry(span(1)));
    assert_eq!(*seen.lock().unwrap(), [(1, 1)]);

    let (witness, seen) = Witness::new();
    let mut halfway = Box::pin(
        async move {
            let _witness = witness;
            step().await;
        }
        .in_opentelemetry(span(2)),
    );
    assert!(poll_once(halfway.as_mut()).is_pending());
    scope(span(3), || drop(halfway));
    assert_eq!(*seen.lock().unwrap(), [(2, 2)]);
    assert_eq!((attached(), here()), (0, 0));
}

#[tokio::test]
async fn an_aborted_task_is_dropped_in_its_contexts() {
    let (witness, seen) = Witness::new();
    let work = async move {
        let _witness = witness;
        std::future::pending::<()>().await;
    };
    let task = tokio::spawn(work.in_opentelemetry(span(1)));
    tokio::task::yield_now().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(*seen.lock().unwrap(), [(1, 1)]);
}

#[test]
fn guards_of_opentelemetry_dropped_out_of_order_leave_what_it_says_itself() {
    scope(span(1), || {
        let second = span(2).attach();
        let third = span(3).attach();
        assert_eq!(here(), 3);
        drop(second);
        assert_eq!(here(), 3);
        drop(third);
        assert_eq!(here(), 1);
    });
    assert_eq!((attached(), here()), (0, 0));
}

#[test]
fn a_guard_that_outlives_a_scope_takes_nothing_along() {
    let guard = scope(span(1), || derived(&current(), 2).attach());
    assert_eq!(here(), attached(), "nothing of ours is running: it is for OpenTelemetry to say");
    drop(guard);
    assert_eq!((attached(), here()), (0, 0));
}

#[test]
fn what_is_attached_inside_counts_whatever_is_in_it() {
    #[derive(Debug, PartialEq)]
    struct Other(u8);
    scope(span(1), || {
        let child = derived(&current(), 2).attach();
        assert_eq!(here(), 2);
        drop(child);

        let detached = Context::new().attach();
        assert_eq!(here(), 0, "an empty one, attached on purpose, is not mistaken for none");
        drop(detached);

        let other = Context::new().with_value(Other(7)).attach();
        assert_eq!((here(), current().get::<Other>()), (0, Some(&Other(7))));
        drop(other);

        let suppressed = Context::enter_telemetry_suppressed_scope();
        assert!(current().is_telemetry_suppressed());
        drop(suppressed);
        assert_eq!(here(), 1);
    });
}

#[test]
fn what_is_attached_in_work_that_inherited_counts_if_it_is_of_note() {
    scope(span(1), || {
        thread::spawn(|| {
            let own = span(2).attach();
            assert_eq!(here(), 2);
            drop(own);
            let own = Context::new().with_baggage([KeyValue::new("k", "v")]).attach();
            assert_eq!((here(), current().baggage().len()), (0, 1));
            drop(own);
            let own = Context::new().with_telemetry_suppressed().attach();
            assert!(current().is_telemetry_suppressed());
            drop(own);
            assert_eq!(here(), 1);
        })
        .join()
        .unwrap();
    });
}

#[test]
fn a_context_of_opentelemetrys_own_is_current_without_us() {
    let guard = span(1).attach();
    assert_eq!(here(), 1);
    let ready = async { (attached(), here()) }.in_current_opentelemetry();
    drop(guard);
    assert_eq!(futures_executor::block_on(ready), (1, 1));
}

#[test]
fn detached_work_has_none() {
    scope(span(1), || {
        assert_eq!(Variables::new().run(here), 0);
        assert_eq!(scope(Context::new(), || (attached(), here())), (0, 0));
        let child = scope(Context::new(), || thread::spawn(here).join().unwrap());
        assert_eq!(child, 0);
        let detached = async { (attached(), here()) }.in_current_opentelemetry().in_context(Variables::new());
        assert_eq!(futures_executor::block_on(detached), (1, 1), "it was taken before");
    });
}

#[test]
fn a_context_of_variables_that_is_entered_outside_is_seen_inside() {
    let ctx = Variables::new().with(&NUMBER, 7);
    let work = async { (attached(), here(), NUMBER.get()) }.in_opentelemetry(span(1)).in_context(ctx);
    assert_eq!(futures_executor::block_on(work), (1, 1, 7));
}

#[test]
fn a_copy_of_the_context_carries_it_to_wherever_it_is_run() {
    let mut copy = scope(span(1), copy_context);
    assert_eq!(copy.run(here), 1);
    scope(span(2), || assert_eq!(copy.run(here), 1, "the copy's, and not that of who runs it"));
    assert_eq!(std::thread::spawn(move || copy.run(here)).join().unwrap(), 1);
}

/// A body that tells in each frame which span it sees.
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
    let handler = service_fn(async |_: Request<Body>| {
        assert_eq!((attached(), here()), (1, 1));
        let task = tokio::spawn(async { here() }).await.unwrap();
        assert_eq!(task, 1);
        Ok::<_, Infallible>(Response::new(Body::new(Frames(0))))
    });
    let service = ServiceBuilder::new().layer(ContextLayer::new()).service(handler);
    let request = async { service.oneshot(Request::new(Body::empty())).await.unwrap() };
    let response = request.in_opentelemetry(span(1)).await;
    assert_eq!((attached(), here()), (0, 0));
    let body = to_bytes(Body::new(response.into_body()), usize::MAX).await.unwrap();
    assert_eq!(body, "1 1 ");
}

/// Asks in its `Drop` which span is current.
struct Asks(mpsc::Sender<u8>);

impl Drop for Asks {
    fn drop(&mut self) {
        // The test may have failed already.
        let _ = self.0.send(here());
    }
}

#[test]
fn at_the_end_of_a_thread_a_future_is_dropped_without_a_panic() {
    thread_local! {
        static KEPT: RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>> = const { RefCell::new(None) };
    }
    let (sender, ended) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        // First, and so the last to go: OpenTelemetry's thread-local is gone by then.
        KEPT.with(|_| ());
        let last = Asks(sender);
        let mut work = Box::pin(
            async move {
                let _last = last;
                step().await;
            }
            .in_opentelemetry(span(1)),
        );
        assert!(poll_once(work.as_mut()).is_pending());
        KEPT.set(Some(work));
    });
    thread.join().unwrap();
    assert_eq!(ended.recv(), Ok(1));
}

#[test]
fn what_opentelemetry_itself_drops_at_the_end_of_a_thread_may_ask_what_is_current() {
    let (sender, asked) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        assert_eq!(scope(span(1), here), 1);
        // A guard that is forgotten leaves the context to the thread-local.
        std::mem::forget(span(2).with_value(Asks(sender)).attach());
    });
    thread.join().unwrap();
    assert_eq!(asked.recv(), Ok(0));
}
