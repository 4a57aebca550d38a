//! tracing's current span, carried by contexts: which work is in which span, and when spans close.

use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, LazyLock, Mutex, mpsc};
use std::task::{Context as TaskContext, Poll, Waker};

use contextvars::rayon::prelude::*;
use contextvars::{
    Context, ContextExt, context_var, copy_context, inherit_context, rayon, thread, tokio, tokio_util, with_context,
};
use futures::Stream;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Instrument, Span, Subscriber, info, info_span};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context as LayerContext, Layer};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;

#[context_var(default = 0)]
static NUMBER: u64;

/// What the layer has recorded.
#[derive(Default)]
struct Log {
    /// The number of an event, and the numbers of the spans it is in, the innermost first.
    events: Vec<(u64, Vec<u64>)>,
    closed: Vec<u64>,
}

static LOG: LazyLock<Arc<Mutex<Log>>> = LazyLock::new(Arc::default);

struct Recorder;
struct Number(u64);

impl Visit for Number {
    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
    fn record_u64(&mut self, _: &Field, value: u64) {
        self.0 = value;
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: LayerContext<'_, S>) {
        let mut number = Number(0);
        attributes.record(&mut number);
        cx.span(id).unwrap().extensions_mut().insert(number);
    }

    fn on_event(&self, event: &Event<'_>, cx: LayerContext<'_, S>) {
        let mut number = Number(0);
        event.record(&mut number);
        let spans = cx.event_scope(event).into_iter().flatten();
        let spans = spans.filter_map(|span| span.extensions().get::<Number>().map(|number| number.0)).collect();
        LOG.lock().unwrap().events.push((number.0, spans));
    }

    fn on_close(&self, id: Id, cx: LayerContext<'_, S>) {
        let number = cx.span(&id).and_then(|span| span.extensions().get::<Number>().map(|number| number.0));
        LOG.lock().unwrap().closed.extend(number);
    }
}

fn set_up() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        contextvars::tracing::carry_spans();
        // With `--cfg tokio_unstable`, tokio makes spans of its own.
        let filter = Targets::new().with_default(LevelFilter::TRACE).with_target("tokio", LevelFilter::OFF);
        tracing_subscriber::registry().with(filter).with(Recorder).init();
    });
}

/// A number of this test's own.
fn fresh() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

fn span(number: u64) -> Span {
    info_span!("span", number)
}

/// In which spans events are here and now, the innermost first.
fn here() -> Vec<u64> {
    let number = fresh() + (1 << 32);
    info!(number);
    let log = LOG.lock().unwrap();
    let spans = log.events.iter().find(|(event, _)| *event == number).unwrap().1.clone();
    assert_eq!(Span::current().is_none(), spans.is_empty());
    spans
}

fn is_closed(number: u64) -> bool {
    LOG.lock().unwrap().closed.contains(&number)
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut TaskContext::from_waker(Waker::noop()))
}

struct Witness(mpsc::Sender<Vec<u64>>);

impl Witness {
    fn new() -> (Self, mpsc::Receiver<Vec<u64>>) {
        let (sender, seen) = mpsc::channel();
        (Self(sender), seen)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.send(here()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_tokio_starts_is_in_the_span_of_who_started_it() {
    set_up();
    let a = fresh();
    let work = async {
        let task = tokio::spawn(async {
            let first = here();
            tokio::task::yield_now().await;
            (first, here())
        });
        let mut set = tokio::task::JoinSet::new();
        set.spawn(async { here() });
        set.spawn_blocking(here);
        let blocking = tokio::task::spawn_blocking(here).await.unwrap();
        let there_and_back = tokio::task::run_blocking(here).await;
        let plain = ::tokio::spawn(async { here() }).await.unwrap();
        (task.await.unwrap(), set.join_all().await, blocking, there_and_back, plain)
    };
    let seen = work.instrument(span(a)).await;
    assert_eq!(seen, ((vec![a], vec![a]), vec![vec![a], vec![a]], vec![a], vec![a], vec![]));
    assert_eq!(here(), [0; 0]);
    assert!(is_closed(a));
}

#[test]
fn threads_and_jobs_are_in_the_span_of_who_started_them() {
    set_up();
    let (a, b) = (fresh(), fresh());
    span(a).in_scope(|| {
        assert_eq!(thread::spawn(here).join().unwrap(), [a]);
        assert_eq!(thread::scope(|scope| scope.spawn(here).join().unwrap()), [a]);
        assert_eq!(
            rayon::join(here, || span(b).in_scope(|| rayon::join(here, here))),
            (vec![a], (vec![b, a], vec![b, a]))
        );
        let all: Vec<_> = (0..100).into_par_iter().inherit_context().map(|_| here()).collect();
        assert!(all.iter().all(|seen| *seen == [a]));
        let (sender, seen) = mpsc::channel();
        rayon::scope(|scope| scope.spawn(move |_| sender.send(here()).unwrap()));
        assert_eq!(seen.recv().unwrap(), [a]);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(pool.install(here), [a]);
        assert_eq!(rayon::in_place_scope(|_| here()), [a]);
        assert_eq!(here(), [a]);
    });
    assert_eq!(here(), [0; 0]);
}

#[test]
fn a_job_that_a_waiting_worker_runs_meanwhile_is_in_its_own_span() {
    set_up();
    let (a, b) = (fresh(), fresh());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let (sender, seen) = mpsc::channel();
    pool.install(|| {
        let (of_b, of_none) = (sender.clone(), sender.clone());
        span(b).in_scope(|| rayon::spawn(move || of_b.send((b, here())).unwrap()));
        ::rayon::spawn(move || of_none.send((0, here())).unwrap());
        span(a).in_scope(|| {
            while rayon::yield_now() == Some(rayon::Yield::Executed) {}
            assert_eq!(here(), [a]);
        });
    });
    let mut seen: Vec<_> = (0..2).map(|_| seen.recv().unwrap()).collect();
    seen.sort();
    // A job that was started in no span has none of its own, and so is in the one that the worker has entered.
    assert_eq!(seen, [(0, vec![a]), (b, vec![b])]);
}

#[test]
fn closures_of_parallel_iterators_that_need_indices_are_in_the_span_of_the_caller() {
    set_up();
    let a = fresh();
    let numbers: Vec<u64> = (0..200).collect();
    // The caller is no worker, so all of them run on threads that know nothing of the span.
    span(a).in_scope(|| {
        let pairs = numbers.par_iter().map(|_| here()).zip(numbers.par_iter().map(|_| here()));
        let seen: Vec<_> = pairs.rev().collect();
        assert!(seen.iter().all(|pair| *pair == (vec![a], vec![a])));
        let chunks = numbers.par_iter().map(|_| here()).chunks(7).enumerate().map(|(_, all)| (all, here()));
        let seen: Vec<_> = chunks.collect();
        assert!(seen.iter().all(|(all, outside)| *outside == [a] && all.iter().all(|one| *one == [a])));
        let inspected = numbers.par_iter().enumerate().inspect(|_| assert_eq!(here(), [a])).rev();
        let seen: Vec<_> = inspected.zip(numbers.par_iter().cloned().map(|_| here())).map(|(_, seen)| seen).collect();
        assert!(seen.iter().all(|seen| *seen == [a]));
        assert_eq!(here(), [a]);
    });
    assert!(rayon::broadcast(|_| here().len()).iter().all(|length| *length == 0));
}

/// What code does that knows an iterator by rayon's trait only: it calls rayon's own adaptors.
fn seen_beside_itself<I: ::rayon::iter::IndexedParallelIterator<Item = Vec<u64>> + Clone>(
    items: I,
) -> Vec<[Vec<u64>; 3]> {
    items.clone().enumerate().map(|(_, seen)| (seen, here())).zip(items.rev()).map(|((a, b), c)| [a, b, c]).collect()
}

#[test]
fn closures_in_code_that_knows_rayons_trait_only_are_in_the_span_of_the_caller() {
    set_up();
    let a = fresh();
    let seen = span(a).in_scope(|| seen_beside_itself((0..200).into_par_iter().with_max_len(1).map(|_: i32| here())));
    assert!(seen.iter().all(|seen| *seen == [vec![a], vec![a], vec![a]]));
    assert!(rayon::broadcast(|_| here().len()).iter().all(|length| *length == 0));
}

#[test]
fn the_span_is_the_one_at_the_spawn_at_any_depth() {
    set_up();
    let (a, b, c) = (fresh(), fresh(), fresh());
    let seen = span(a).in_scope(|| {
        thread::spawn(move || {
            let outer = here();
            let inner = span(b).in_scope(|| {
                thread::spawn(move || (here(), span(c).in_scope(|| thread::spawn(here).join().unwrap())))
                    .join()
                    .unwrap()
            });
            (outer, inner, thread::spawn(here).join().unwrap())
        })
        .join()
        .unwrap()
    });
    assert_eq!(seen, (vec![a], (vec![b, a], vec![c, b, a]), vec![a]));
}

#[tokio::test]
async fn a_span_of_the_childs_own_is_on_top() {
    set_up();
    let (a, b) = (fresh(), fresh());
    let work = async { tokio::spawn(async { here() }.instrument(span(b))).await.unwrap() };
    assert_eq!(work.instrument(span(a)).await, [b, a]);
}

#[tokio::test]
async fn a_scope_and_a_copy_leave_the_span_alone() {
    set_up();
    let (a, b) = (fresh(), fresh());
    let scoped = with_context!(NUMBER = 1, async { here() }).instrument(span(a)).await;
    assert_eq!(scoped, [a], "though the context was made outside of the span");
    let copied = async { here() }.in_current_context().instrument(span(a)).await;
    assert_eq!(copied, [a]);
    let task = span(a).in_scope(|| {
        tokio::spawn(async move {
            let inner = span(b);
            let seen = inner.in_scope(|| with_context!(NUMBER = 1, { (here(), copy_context().run(here)) }));
            let same = copy_context();
            let later = inner.in_scope(move || {
                let mut same = same;
                same.run(here)
            });
            (seen, later, inner.in_scope(|| inherit_context().run(here)))
        })
    });
    let ab = vec![b, a];
    assert_eq!(task.await.unwrap(), ((ab.clone(), ab.clone()), ab.clone(), ab));
}

#[test]
fn a_context_that_was_inherited_brings_its_span_wherever_it_is_entered() {
    set_up();
    let (a, b, c) = (fresh(), fresh(), fresh());
    let outer = span(a);
    let mut of_a = outer.in_scope(inherit_context);
    span(b).in_scope(|| {
        assert_eq!(of_a.run(here), [a]);
        assert_eq!(of_a.clone().run(here), [a]);
        assert_eq!(of_a.run(|| span(c).in_scope(here)), [c, a]);
        assert_eq!(here(), [b]);
    });
    assert_eq!(of_a.run_copy(here), [a]);
    assert_eq!(of_a.wrap(here)(), [a]);
    assert_eq!(here(), [0; 0]);
}

/// A registry makes no span current a second time, unless those above it are exited.
#[test]
fn a_span_that_is_entered_further_out_already_is_brought_to_the_front() {
    set_up();
    let (a, b, c, d) = (fresh(), fresh(), fresh(), fresh());
    let outer = span(a);
    let mut of_a = outer.in_scope(inherit_context);
    let other = span(c);
    let mut of_c = other.in_scope(inherit_context);
    outer.in_scope(|| {
        span(b).in_scope(|| {
            assert_eq!((of_a.run(here), here()), (vec![a], vec![b, a]));
            // Again within itself, and by panic.
            let again = of_c.clone();
            let within = || (here(), span(d).in_scope(|| again.run_copy(here)), here());
            let seen = of_a.run(|| other.in_scope(|| of_c.run(within)));
            assert_eq!(seen, (vec![c], vec![c], vec![c]));
            assert!(catch_unwind(AssertUnwindSafe(|| of_a.run(|| panic!("on purpose")))).is_err());
            assert_eq!(here(), [b, a]);
        });
        assert_eq!(here(), [a]);
    });
    assert_eq!(here(), [0; 0]);
    drop((outer, of_a, other, of_c));
    assert!([a, b, c, d].into_iter().all(is_closed));
}

#[test]
fn a_task_that_block_on_polls_beneath_its_own_span_and_another_is_in_its_own() {
    set_up();
    let (a, b) = (fresh(), fresh());
    let runtime = ::tokio::runtime::Builder::new_current_thread().build().unwrap();
    let seen = span(a).in_scope(|| {
        let _in = runtime.enter();
        let task = tokio::spawn(async {
            let first = here();
            tokio::task::yield_now().await;
            (first, here())
        });
        span(b).in_scope(|| runtime.block_on(async { (here(), task.await.unwrap(), here()) }))
    });
    assert_eq!(seen, (vec![b, a], (vec![a], vec![a]), vec![b, a]));
    assert!(is_closed(a) && is_closed(b));
}

/// A worker that waits within a job of one request runs jobs of others, and within those again some of the first.
#[test]
fn the_jobs_of_many_requests_in_one_pool_are_each_in_the_span_of_their_own() {
    fn halve(depth: u32, own: u64) {
        assert_eq!(here_quick(), Some(own));
        if depth > 0 {
            rayon::join(|| halve(depth - 1, own), || halve(depth - 1, own));
            let child = rayon::scope(|scope| {
                scope.spawn(move |_| assert_eq!(here_quick(), Some(own)));
                here_quick()
            });
            assert_eq!(child, Some(own));
        }
        assert_eq!(here_quick(), Some(own));
    }

    set_up();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let numbers: Vec<_> = thread::scope(|scope| {
        let requests: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let number = fresh();
                    for _ in 0..20 {
                        span(number).in_scope(|| pool.install(|| halve(5, number)));
                    }
                    number
                })
            })
            .collect();
        requests.into_iter().map(|request| request.join().unwrap()).collect()
    });
    assert!(numbers.into_iter().all(is_closed));
    assert!(pool.broadcast(|_| here().len()).iter().all(|length| *length == 0));
}

#[test]
fn an_error_that_keeps_only_what_is_shown_keeps_no_span_open() {
    set_up();
    let a = fresh();
    let (kept, copied) = span(a).in_scope(|| {
        inherit_context().run(|| {
            let mut kept = copy_context();
            kept.retain(|_, _| false);
            (kept, copy_context())
        })
    });
    assert!(!is_closed(a), "a copy keeps it");
    drop(copied);
    assert!(is_closed(a));
    drop(kept);
    // What a child's context carries stays.
    let b = fresh();
    let mut child = span(b).in_scope(inherit_context);
    child.retain(|_, _| false);
    assert_eq!(child.run(here), [b]);
}

#[test]
fn an_empty_context_leaves_the_span_alone_and_its_children_are_in_it() {
    set_up();
    let a = fresh();
    let seen = span(a).in_scope(|| Context::new().run(|| (here(), thread::spawn(here).join().unwrap())));
    assert_eq!(seen, (vec![a], vec![a]));
    assert_eq!(here(), [0; 0]);
}

#[tokio::test]
async fn a_task_that_was_given_a_context_is_in_the_span_where_it_was_spawned() {
    set_up();
    let a = fresh();
    let (scoped, copied, given) = span(a).in_scope(|| {
        let scoped = tokio::spawn(with_context!(NUMBER = 7, async { (here(), NUMBER.get()) }));
        let copied = tokio::spawn(async { here() }.in_current_context());
        let given = tokio::spawn(async { here() }.in_context(Context::new()));
        (scoped, copied, given)
    });
    assert_eq!(scoped.await.unwrap(), (vec![a], 7));
    assert_eq!(copied.await.unwrap(), [a]);
    assert_eq!(given.await.unwrap(), [a]);
    assert!(is_closed(a));
}

#[tokio::test]
async fn a_task_of_a_local_pool_is_in_the_span_where_it_was_spawned() {
    set_up();
    let a = fresh();
    let pool = tokio_util::task::LocalPoolHandle::new(1);
    let (plain, scoped) = span(a).in_scope(|| {
        let plain = pool.spawn_pinned(|| async { here() });
        let scoped = pool.spawn_pinned(|| with_context!(NUMBER = 1, async { here() }));
        (plain, scoped)
    });
    assert_eq!((plain.await.unwrap(), scoped.await.unwrap()), (vec![a], vec![a]));
}

#[tokio::test]
async fn a_span_closes_with_the_last_that_carries_it() {
    set_up();
    let (a, b) = (fresh(), fresh());
    let (end, ended) = ::tokio::sync::oneshot::channel::<()>();
    let root = span(a);
    let task = root.in_scope(|| tokio::spawn(async move { ended.await.unwrap_err() }));
    drop(root);
    step_others().await;
    assert!(!is_closed(a), "the task carries it");
    drop(end);
    task.await.unwrap();
    assert!(is_closed(a));

    let (end, ended) = ::tokio::sync::oneshot::channel::<()>();
    let root = span(b);
    let task = root.in_scope(|| tokio::spawn_detached(async move { (ended.await.unwrap_err(), here()) }));
    drop(root);
    assert!(is_closed(b), "a detached task does not");
    drop(end);
    assert_eq!(task.await.unwrap().1, [0; 0]);
}

async fn step_others() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_aborted_or_dropped_is_dropped_in_its_span() {
    set_up();
    let (a, b) = (fresh(), fresh());
    let (witness, seen) = Witness::new();
    let task = span(a).in_scope(|| {
        tokio::spawn(async move {
            let _witness = witness;
            pending::<()>().await;
        })
    });
    step_others().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(seen.recv().unwrap(), [a]);
    assert!(is_closed(a));

    let (witness, seen) = Witness::new();
    let future = span(b).in_scope(|| async move { drop(witness) }.in_context(inherit_context()));
    drop(future);
    assert_eq!(seen.recv().unwrap(), [b]);
    assert!(is_closed(b));
}

#[test]
fn a_panic_leaves_the_span_as_it_was() {
    set_up();
    let (a, b) = (fresh(), fresh());
    let mut of_a = span(a).in_scope(inherit_context);
    span(b).in_scope(|| {
        let (witness, seen) = Witness::new();
        let result = catch_unwind(AssertUnwindSafe(|| {
            of_a.run(|| {
                let _witness = witness;
                panic!("on purpose");
            });
        }));
        assert!(result.is_err());
        assert_eq!(seen.recv().unwrap(), [a]);
        assert_eq!(here(), [b]);
        let result = catch_unwind(AssertUnwindSafe(|| Context::new().run(|| panic!("on purpose"))));
        assert!(result.is_err());
        assert_eq!(here(), [b]);
        let mut future = pin!(async { panic!("on purpose") }.in_context(of_a.clone()));
        assert!(catch_unwind(AssertUnwindSafe(|| poll_once::<_>(future.as_mut()).is_ready())).is_err());
        assert_eq!(here(), [b]);
        assert!(thread::spawn(|| panic!("on purpose")).join().is_err());
        assert_eq!(here(), [b]);
    });
    assert_eq!(here(), [0; 0]);
}

#[test]
fn a_stream_makes_its_items_in_its_span() {
    set_up();
    let (a, b) = (fresh(), fresh());
    let stream = futures::stream::repeat_with(here);
    let mut stream = pin!(span(a).in_scope(|| stream.in_context(inherit_context())));
    let mut next = || match stream.as_mut().poll_next(&mut TaskContext::from_waker(Waker::noop())) {
        Poll::Ready(item) => item.unwrap(),
        Poll::Pending => unreachable!(),
    };
    assert_eq!(next(), [a]);
    assert_eq!(span(b).in_scope(&mut next), [a]);
}

#[test]
fn a_task_that_block_on_polls_beneath_a_span_is_in_its_own() {
    set_up();
    let (a, b) = (fresh(), fresh());
    let runtime = ::tokio::runtime::Builder::new_current_thread().build().unwrap();
    let task = span(a).in_scope(|| {
        let _in = runtime.enter();
        tokio::spawn(async {
            tokio::task::yield_now().await;
            here()
        })
    });
    let seen = span(b).in_scope(|| runtime.block_on(async { (here(), task.await.unwrap(), here()) }));
    assert_eq!(seen, (vec![b], vec![a], vec![b]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_tasks_at_once_are_each_in_their_own_span() {
    set_up();
    let mut set = ::tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let number = fresh();
        let work = async move {
            for _ in 0..5 {
                tokio::task::yield_now().await;
                assert_eq!(here_quick(), Some(number));
                let inner = fresh();
                let work = async move {
                    tokio::task::yield_now().await;
                    assert_eq!(here_quick(), Some(inner));
                    tokio::spawn(async { here_quick() }).await.unwrap()
                };
                assert_eq!(tokio::spawn(work.instrument(span(inner))).await.unwrap(), Some(inner));
                assert_eq!(tokio::task::spawn_blocking(here_quick).await.unwrap(), Some(number));
            }
            number
        };
        let task = span(number).in_scope(|| tokio::spawn(work));
        set.spawn(task);
    }
    let mut numbers = Vec::new();
    while let Some(done) = set.join_next().await {
        numbers.push(done.unwrap().unwrap());
    }
    assert_eq!(numbers.len(), 1000);
    assert!(numbers.iter().all(|number| is_closed(*number)));
}

/// The number of the span that an event here is in.
fn here_quick() -> Option<u64> {
    let number = fresh() + (1 << 32);
    info!(number);
    let mut log = LOG.lock().unwrap();
    let at = log.events.iter().rposition(|(event, _)| *event == number).unwrap();
    log.events.swap_remove(at).1.first().copied()
}

#[test]
fn a_span_of_a_subscriber_of_a_test_is_not_taken_for_one_of_the_program() {
    set_up();
    let (a, b) = (fresh(), fresh());
    let of_the_program = span(a);
    let id = of_the_program.id();
    of_the_program.in_scope(|| {
        let mut of_a = inherit_context();
        tracing::subscriber::with_default(tracing_subscriber::registry(), || {
            // Its registry counts from the beginning; so there is one among these with the number of the other.
            let spans: Vec<_> = std::iter::repeat_with(|| span(b)).take(1000).collect();
            for same in spans.iter().filter(|same| same.id() == id).chain(&spans[..1]) {
                let number = same.in_scope(|| of_a.run(|| inherit_context().run(|| Span::current().id())));
                assert_eq!(number, same.id());
            }
        });
        assert_eq!(of_a.run(here), [a]);
    });
    assert_eq!(here(), [0; 0]);
}

#[test]
fn contexts_do_not_show_what_they_carry() {
    set_up();
    let a = fresh();
    let mut context = span(a).in_scope(inherit_context);
    assert!(context.is_empty() && context.iter().next().is_none());
    assert_eq!(format!("{context:?}"), "{}");
    assert_eq!(context, Context::new());
    context.run(|| {
        NUMBER.set(1);
        assert_eq!(here(), [a]);
    });
    assert_eq!(context.len(), 1);
}
