//! Contexts travel with streams, sinks, readers and writers; the branches of one task can be kept apart.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use contextvars::{Context, ContextExt, context_var, copy_context, with_context};
use futures::future;
use futures::stream::{self, FuturesUnordered};
use futures::{FutureExt, SinkExt, StreamExt, TryStreamExt, join, select};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Census, Citizen};

#[context_var(default = 0)]
static REQUEST_ID: u64;

#[context_var(default = 0)]
static STEP: u64;

#[context_var]
static CITIZEN: Citizen;

fn request(id: u64) -> Context {
    Context::new().with(&REQUEST_ID, id)
}

fn run<F: Future>(future: F) -> F::Output {
    Context::new().run(|| pollster::block_on(future))
}

/// Lets another future that the same task polls have a turn.
async fn turn() {
    let mut waited = false;
    future::poll_fn(|cx| {
        if waited {
            return Poll::Ready(());
        }
        waited = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Counts up in `STEP`, with turns for others, and returns what it saw after each.
async fn climb(start: u64) -> Vec<u64> {
    STEP.set(start);
    let mut seen = Vec::new();
    for _ in 0..3 {
        turn().await;
        STEP.set(STEP.get() + 1);
        seen.push(STEP.get());
    }
    seen
}

#[test]
fn a_stream_keeps_what_it_sets_from_one_item_to_the_next() {
    let counting = stream::repeat_with(|| {
        STEP.set(STEP.get() + REQUEST_ID.get());
        STEP.get()
    });
    run(async {
        let items: Vec<_> = counting.in_context(request(7)).take(3).collect().await;
        assert_eq!(items, [7, 14, 21]);
        assert!(copy_context().is_empty());
    });
}

#[test]
fn streams_polled_in_turn_do_not_see_each_others_values() {
    let numbered = |id| {
        stream::repeat_with(|| (REQUEST_ID.get(), STEP.set(STEP.get() + 1), STEP.get()))
            .map(|(request, _, step)| (request, step))
            .in_context(request(id))
            .take(3)
    };
    let mut items: Vec<_> = run(stream::select(numbered(1), numbered(2)).collect());
    items.sort_unstable();
    assert_eq!(items, [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]);
}

#[test]
fn combinators_run_in_the_streams_context_if_below_it_and_in_the_callers_if_above() {
    let stream =
        stream::iter([()]).map(|()| REQUEST_ID.get()).in_context(request(7)).map(|below| (below, REQUEST_ID.get()));
    assert_eq!(run(stream.collect::<Vec<_>>()), [(7, 0)]);
}

#[test]
fn a_stream_tells_how_long_it_is() {
    assert_eq!(futures::Stream::size_hint(&stream::iter([1, 2, 3]).in_context(Context::new())), (3, Some(3)));
}

#[test]
fn a_stream_that_panics_leaves_the_callers_context_as_it_was() {
    run(async {
        REQUEST_ID.set(1);
        let failing = stream::poll_fn(|_| -> Poll<Option<()>> {
            REQUEST_ID.set(8);
            panic!("no more");
        });
        let mut failing = failing.in_context(request(7));
        assert!(catch_unwind(AssertUnwindSafe(|| failing.next().now_or_never())).is_err());
        assert_eq!(REQUEST_ID.get(), 1);
        assert_eq!(failing.context()[&REQUEST_ID], 8);
    });
}

#[test]
fn a_sink_works_in_its_context() {
    let (sender, receiver) = futures::channel::mpsc::unbounded();
    let sink = sender.with(|item: u64| future::ok::<_, futures::channel::mpsc::SendError>((REQUEST_ID.get(), item)));
    run(async {
        let mut sink = pin!(sink.in_context(request(7)));
        sink.send(1).await.unwrap();
        sink.send(2).await.unwrap();
        sink.close().await.unwrap();
        assert_eq!(receiver.collect::<Vec<_>>().await, [(7, 1), (7, 2)]);
    });
}

#[test]
fn a_readers_bytes_are_made_in_its_context() {
    use futures::AsyncReadExt as _;

    let chunks = stream::repeat_with(|| Ok::<_, std::io::Error>(REQUEST_ID.get().to_string())).take(3);
    let mut reader = chunks.into_async_read().in_context(request(7));
    let mut text = String::new();
    run(futures::AsyncReadExt::read_to_string(&mut reader, &mut text)).unwrap();
    assert_eq!(text, "777");
    let mut nothing = [0; 1];
    assert_eq!(run(async { reader.read(&mut nothing).await }).unwrap(), 0);
}

#[test]
fn a_pipe_of_tokio_works_in_a_context() {
    run(async {
        let (near, far) = tokio::io::duplex(64);
        let (mut near, mut far) = (near.in_context(request(1)), far.in_context(request(2)));
        AsyncWriteExt::write_all(&mut near, b"hello").await.unwrap();
        AsyncWriteExt::shutdown(&mut near).await.unwrap();
        let mut text = String::new();
        AsyncReadExt::read_to_string(&mut far, &mut text).await.unwrap();
        assert_eq!(text, "hello");
    });
}

#[test]
fn branches_of_a_join_share_the_tasks_context() {
    run(async {
        join!(climb(10), climb(20));
        // Both counted in the one variable; the second had begun with 20.
        assert_eq!(STEP.get(), 26);
    });
}

#[test]
fn branches_of_a_join_in_copies_of_the_context_are_apart() {
    run(async {
        STEP.set(1);
        let (low, high) = join!(climb(10).in_current_context(), climb(20).in_current_context());
        assert_eq!((low, high), (vec![11, 12, 13], vec![21, 22, 23]));
        assert_eq!(STEP.get(), 1);
    });
}

#[test]
fn branches_of_tokios_join_in_copies_of_the_context_are_apart() {
    run(async {
        let (low, high) = tokio::join!(climb(10).in_current_context(), climb(20).in_current_context());
        assert_eq!((low, high), (vec![11, 12, 13], vec![21, 22, 23]));
        assert!(!STEP.is_set());
    });
}

#[test]
fn branches_of_a_select_in_copies_of_the_context_are_apart() {
    run(async {
        let mut slow = pin!(climb(10).fuse().in_current_context());
        let mut quick = pin!(turn().map(|()| STEP.set(STEP.get() + 100)).fuse().in_current_context());
        let mut finished = Vec::new();
        loop {
            select! {
                seen = slow => finished.push(seen),
                token = quick => finished.push(vec![token.old_value().copied().unwrap_or_default()]),
                complete => break,
            }
        }
        // The quick one never saw a step of the slow one.
        assert_eq!(finished, [vec![0], vec![11, 12, 13]]);
        assert!(!STEP.is_set());
    });
}

#[test]
fn the_branch_that_loses_a_select_is_dropped_in_its_own_context() {
    struct NotesStep(Arc<AtomicU64>);
    impl Drop for NotesStep {
        fn drop(&mut self) {
            self.0.store(STEP.get(), Ordering::SeqCst);
        }
    }
    run(async {
        let noted = Arc::new(AtomicU64::new(u64::MAX));
        let loser = async {
            let _notes = NotesStep(noted.clone());
            STEP.set(5);
            future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            () = loser.in_current_context() => unreachable!("it is pending for ever"),
            () = turn() => {}
        }
        assert_eq!(noted.load(Ordering::SeqCst), 5);
        assert!(!STEP.is_set());
    });
}

#[test]
fn members_of_a_futures_unordered_are_apart() {
    run(async {
        let members = (0..50).map(|n| {
            with_context!(REQUEST_ID = n, async move {
                let seen = climb(100 * n).await;
                (REQUEST_ID.get(), seen)
            })
        });
        let mut members: FuturesUnordered<_> = members.collect();
        let mut finished = 0;
        while let Some((id, seen)) = members.next().await {
            assert_eq!(seen, [100 * id + 1, 100 * id + 2, 100 * id + 3]);
            finished += 1;
        }
        assert_eq!(finished, 50);
        assert!(copy_context().is_empty());
    });
}

#[test]
fn buffered_futures_of_a_stream_are_apart() {
    let seen: Vec<_> = run(stream::iter(0..20)
        .map(|n| climb(100 * n).in_context(request(n)))
        .buffer_unordered(5)
        .map(|seen| seen[2] % 100)
        .collect());
    assert_eq!(seen, [3; 20]);
}

#[test]
fn a_stream_dropped_halfway_frees_its_context() {
    let census = Census::new();
    let ctx = Context::new().with(&CITIZEN, census.citizen());
    let mut stream = stream::repeat_with(|| CITIZEN.is_set()).in_context(ctx);
    assert_eq!(run(stream.next()), Some(true));
    assert_eq!(census.alive(), 1);
    drop(stream);
    assert_eq!(census.alive(), 0);
}
