//! What tokio reports of a task names the place where it was spawned, whichever wrapper did it; run it with
//! `ci/tokio-unstable.sh`.

#![cfg(tokio_unstable)]

use std::sync::{Arc, LazyLock, Mutex};

use contextvars::tokio::runtime::{Builder, Handle, LocalRuntime};
use contextvars::tokio::task::{self, JoinSet, LocalSet};
use contextvars::tokio::{self, SpawnInheriting, SpawnLocalInheriting};
use contextvars::tokio_util::task::{JoinMap, JoinQueue, TaskTracker};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Subscriber, subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry;

/// A file and a line.
type Place = (String, u64);

/// The places of all spawns on this thread, as tokio reports them to the likes of its console.
#[derive(Clone, Default)]
struct Spawns(Arc<Mutex<Vec<Place>>>);

/// While a process has one subscriber only, tracing asks that of the thread that reaches some code first, and remembers the
/// answer for all threads. If that is a thread of another test, which has no subscriber, no spawn is reported anywhere.
/// With several subscribers, tracing asks all of them.
static OTHERS: LazyLock<[Dispatch; 2]> = LazyLock::new(|| [(), ()].map(|()| Dispatch::new(registry())));

impl Spawns {
    fn listen() -> (Self, DefaultGuard) {
        LazyLock::force(&OTHERS);
        let spawns = Self::default();
        let guard = subscriber::set_default(registry().with(spawns.clone()));
        (spawns, guard)
    }

    /// Each of the spawns was reported, in this order, with its line in this file.
    #[track_caller]
    fn assert_at<const N: usize>(&self, lines: [u32; N]) {
        let expected = lines.map(|line| (file!().to_owned(), u64::from(line)));
        assert_eq!(*self.0.lock().unwrap(), expected);
    }
}

impl<S: Subscriber> Layer<S> for Spawns {
    fn on_new_span(&self, span: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        if span.metadata().name() == "runtime.spawn" {
            let mut place = Found::default();
            span.record(&mut place);
            self.0.lock().unwrap().push(place.0);
        }
    }
}

/// What a span has of a place.
#[derive(Default)]
struct Found(Place);

impl Visit for Found {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "loc.file" {
            value.clone_into(&mut self.0.0);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "loc.line" {
            self.0.1 = value;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

/// The line where something was spawned, which is in the same one.
fn at<T>(line: u32, _spawned: T) -> u32 {
    line
}

/// Does nothing, in whatever it is spawned by.
fn nothing() {}

#[tokio::test]
async fn the_place_is_that_of_the_call_of_a_function() {
    let (spawns, _listens) = Spawns::listen();
    let local = LocalSet::new();
    let _entered = local.enter();
    spawns.assert_at([
        at(line!(), tokio::spawn(async {})),
        at(line!(), task::spawn(async {})),
        at(line!(), tokio::spawn_detached(async {})),
        at(line!(), task::spawn_blocking(nothing)),
        at(line!(), task::run_blocking(nothing)),
        at(line!(), task::spawn_local(async {})),
        at(line!(), local.spawn_local(async {})),
    ]);
}

#[test]
fn the_place_is_that_of_the_call_on_a_runtime() {
    let (spawns, _listens) = Spawns::listen();
    let runtime = Builder::new_current_thread().build().unwrap();
    let handle = runtime.handle();
    let local = LocalRuntime::new().unwrap();
    spawns.assert_at([
        at(line!(), runtime.spawn_inheriting(async {})),
        at(line!(), runtime.spawn_blocking_inheriting(nothing)),
        at(line!(), handle.spawn_inheriting(async {})),
        at(line!(), handle.spawn_blocking_inheriting(nothing)),
        at(line!(), local.spawn_inheriting(async {})),
        at(line!(), local.spawn_blocking_inheriting(nothing)),
        at(line!(), local.spawn_local_inheriting(async {})),
    ]);
}

#[tokio::test]
async fn the_place_is_that_of_the_call_on_a_join_set() {
    let (spawns, _listens) = Spawns::listen();
    let (handle, local, mut set) = (Handle::current(), LocalSet::new(), JoinSet::new());
    let _entered = local.enter();
    spawns.assert_at([
        at(line!(), set.spawn(async {})),
        at(line!(), set.spawn_on(async {}, &handle)),
        at(line!(), set.spawn_local(async {})),
        at(line!(), set.spawn_local_on(async {}, &local)),
        at(line!(), set.spawn_blocking(nothing)),
        at(line!(), set.spawn_blocking_on(nothing, &handle)),
        at(line!(), set.build_task().spawn(async {})),
        at(line!(), set.build_task().spawn_on(async {}, &handle)),
        at(line!(), set.build_task().spawn_local(async {})),
        at(line!(), set.build_task().spawn_local_on(async {}, &local)),
        at(line!(), set.build_task().spawn_blocking(nothing)),
        at(line!(), set.build_task().spawn_blocking_on(nothing, &handle)),
    ]);
}

#[tokio::test]
async fn the_place_is_that_of_the_call_on_a_builder() {
    let (spawns, _listens) = Spawns::listen();
    let (handle, local) = (Handle::current(), LocalSet::new());
    let _entered = local.enter();
    spawns.assert_at([
        at(line!(), task::Builder::new().spawn(async {})),
        at(line!(), task::Builder::new().spawn_on(async {}, &handle)),
        at(line!(), task::Builder::new().spawn_local(async {})),
        at(line!(), task::Builder::new().spawn_local_on(async {}, &local)),
        at(line!(), task::Builder::new().spawn_blocking(nothing)),
        at(line!(), task::Builder::new().spawn_blocking_on(nothing, &handle)),
    ]);
}

#[tokio::test]
#[expect(clippy::unit_arg, reason = "a map's spawns return nothing")]
async fn the_place_is_that_of_the_call_on_a_collection_of_tokio_util() {
    let (spawns, _listens) = Spawns::listen();
    let (handle, local) = (Handle::current(), LocalSet::new());
    let _entered = local.enter();
    let (tracker, mut map, mut queue) = (TaskTracker::new(), JoinMap::new(), JoinQueue::new());
    spawns.assert_at([
        at(line!(), tracker.spawn(async {})),
        at(line!(), tracker.spawn_on(async {}, &handle)),
        at(line!(), tracker.spawn_local(async {})),
        at(line!(), tracker.spawn_local_on(async {}, &local)),
        at(line!(), tracker.spawn_blocking(nothing)),
        at(line!(), tracker.spawn_blocking_on(nothing, &handle)),
        at(line!(), map.spawn(1, async {})),
        at(line!(), map.spawn_on(2, async {}, &handle)),
        at(line!(), map.spawn_local(3, async {})),
        at(line!(), map.spawn_local_on(4, async {}, &local)),
        at(line!(), map.spawn_blocking(5, nothing)),
        at(line!(), map.spawn_blocking_on(6, nothing, &handle)),
        at(line!(), queue.spawn(async {})),
        at(line!(), queue.spawn_on(async {}, &handle)),
        at(line!(), queue.spawn_local(async {})),
        at(line!(), queue.spawn_blocking(nothing)),
        at(line!(), queue.spawn_blocking_on(nothing, &handle)),
    ]);
}
