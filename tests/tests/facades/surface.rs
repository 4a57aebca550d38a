//! The facades hold what the originals have: what starts work inherits, or is on a list with the reason why it need not.

mod exceptions;
mod originals;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use contextvars::tokio::task::{JoinSet, LocalSet};
use contextvars::tokio_util::task::task_tracker::TaskTrackerToken;
use contextvars::tokio_util::task::{JoinMap, JoinQueue, LocalPoolHandle, TaskTracker};
use contextvars::{context_var, thread, tokio, with_context};
use exceptions::{IN_PLACE, NOT_INHERENT};
use originals::{Function, functions_of, sources_of, sources_of_std};

const LIST: &str = include_str!("../../../contextvars/docs/disallowed-methods.toml");

#[context_var(default = 0)]
static NUMBER: u32;

/// The paths that clippy is told to report, each of which has a twin here; `ui-tests/lint-list` sees to that.
fn listed() -> BTreeSet<&'static str> {
    LIST.lines().filter_map(|line| line.split_once("path = \"")?.1.split_once('"').map(|(path, _)| path)).collect()
}

/// Whether the function is on the list, by its crate, its type and its name: types are re-exported from where they are.
fn is_listed(function: &Function, listed: &BTreeSet<&str>) -> bool {
    listed.iter().any(|path| {
        let names: Vec<_> = path.split("::").collect();
        let [krate, .., owner, name] = names[..] else {
            return *path == format!("{}::{}", function.krate, function.name);
        };
        let is_owner = match &function.owner {
            Some(of) => of == owner,
            None => owner.starts_with(char::is_lowercase),
        };
        krate == function.krate && name == function.name && is_owner
    })
}

fn assert_all_are_known(krate: &str, functions: &[Function]) {
    let listed = listed();
    let mut unknown = Vec::new();
    for function in functions.iter().filter(|function| function.starts_or_calls()) {
        let is_excepted = IN_PLACE.iter().any(|(excepted, _)| *excepted == function.to_string());
        if !is_listed(function, &listed) && !is_excepted {
            unknown.push(function.to_string());
        }
    }
    assert!(
        unknown.is_empty(),
        "{krate} has functions that spawn or call closures, and are neither on the list of disallowed methods nor among \
         the exceptions of tests/tests/facades/surface/exceptions.rs: {unknown:#?}"
    );
}

#[test]
fn whatever_spawns_or_takes_a_closure_in_tokio_is_replaced_or_excepted_with_a_reason() {
    let functions = functions_of("tokio", &sources_of("tokio"));
    assert!(functions.iter().any(|function| function.to_string() == "tokio: JoinSet::spawn_local_on"));
    assert_all_are_known("tokio", &functions);
}

#[test]
fn whatever_spawns_or_takes_a_closure_in_tokio_util_is_replaced_or_excepted_with_a_reason() {
    let functions = functions_of("tokio_util", &sources_of("tokio-util"));
    assert!(functions.iter().any(|function| function.to_string() == "tokio_util: LocalPoolHandle::spawn_pinned"));
    assert_all_are_known("tokio_util", &functions);
}

#[test]
fn whatever_spawns_or_takes_a_closure_in_std_thread_is_replaced_or_excepted_with_a_reason() {
    let Some(folder) = sources_of_std() else {
        eprintln!("skipped: the component rust-src is not installed");
        return;
    };
    let functions = functions_of("std", &folder.join("thread"));
    assert!(functions.iter().any(|function| function.to_string() == "std: Builder::spawn_scoped"));
    assert_all_are_known("std", &functions);
}

#[test]
fn each_exception_is_of_something_that_is_there() {
    let functions: BTreeSet<String> = [("tokio", "tokio"), ("tokio_util", "tokio-util")]
        .iter()
        .flat_map(|(krate, package)| functions_of(krate, &sources_of(package)))
        .map(|function| function.to_string())
        .collect();
    for (excepted, reason) in IN_PLACE.iter().chain(NOT_INHERENT) {
        assert!(functions.contains(*excepted) || excepted.starts_with("std: "), "{excepted} is gone: {reason}");
    }
}

/// What each file of the facades calls its public functions.
fn ours() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contextvars/src/integrations");
    let read = |path: PathBuf| fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let joining = read(folder.join("tokio/joining.rs"));
    let files = [
        ("JoinSet", "tokio/join_set.rs"),
        ("LocalSet", "tokio/local_set.rs"),
        ("JoinMap", "tokio_util/join_map.rs"),
        ("JoinQueue", "tokio_util/join_queue.rs"),
        ("LocalPoolHandle", "tokio_util/local_pool.rs"),
        ("TaskTracker", "tokio_util/task_tracker.rs"),
        ("TaskTrackerToken", "tokio_util/task_tracker.rs"),
    ];
    let text = |file| {
        let text = read(folder.join(file));
        if text.contains("joining_methods!(waiting)") { text + &joining } else { text }
    };
    files.iter().map(|(of, file)| ((*of).to_owned(), text(file))).collect()
}

#[test]
fn each_type_of_a_facade_has_all_methods_of_the_original() {
    let ours = ours();
    let mut found = 0;
    for (krate, package) in [("tokio", "tokio"), ("tokio_util", "tokio-util")] {
        for function in functions_of(krate, &sources_of(package)) {
            let Some(text) = function.owner.as_ref().and_then(|owner| ours.get(owner)) else { continue };
            found += 1;
            let is_there =
                text.contains(&format!("fn {}(", function.name)) || text.contains(&format!("fn {}<", function.name));
            let is_excepted = NOT_INHERENT.iter().any(|(excepted, _)| *excepted == function.to_string());
            assert!(is_there || is_excepted, "{function} cannot be called by its path");
        }
    }
    assert!(found > 70, "{found} methods were found");
}

#[tokio::test]
async fn methods_can_be_called_by_their_paths() {
    let mut set = JoinSet::new();
    JoinSet::spawn(&mut set, async { 1 });
    assert_eq!((JoinSet::len(&set), JoinSet::is_empty(&set)), (1, false));
    assert_eq!(JoinSet::join_next(&mut set).await.unwrap().unwrap(), 1);

    let local = LocalSet::new();
    assert_eq!(LocalSet::run_until(&local, async { NUMBER.get() }).await, 0);
    assert_ne!(LocalSet::id(&local), tokio::runtime::Handle::current().id());

    let mut map = JoinMap::new();
    JoinMap::spawn(&mut map, "one", async { 1 });
    assert!(JoinMap::contains_key(&map, "one") && JoinMap::keys(&map).eq([&"one"]));
    let (key, output) = JoinMap::join_next(&mut map).await.unwrap();
    assert_eq!((key, output.unwrap()), ("one", 1));

    let mut queue = JoinQueue::new();
    JoinQueue::spawn(&mut queue, async { 1 });
    JoinQueue::abort_all(&mut queue);
    assert!(JoinQueue::join_next(&mut queue).await.unwrap().unwrap_err().is_cancelled());

    let tracker = TaskTracker::new();
    let token = TaskTracker::token(&tracker);
    assert!(TaskTracker::close(&tracker) && TaskTracker::is_closed(&tracker));
    assert_eq!(TaskTracker::len(&tracker), 1);
    drop(token);
    TaskTracker::wait(&tracker).await;
    assert_eq!(LocalPoolHandle::num_threads(&LocalPoolHandle::new(2)), 2);
}

#[tokio::test]
async fn the_tracker_of_a_token_inherits() {
    let tracker = TaskTracker::new();
    let token = tracker.token();
    let seen = with_context!(NUMBER = 7, { token.task_tracker().spawn(async { NUMBER.get() }) });
    assert_eq!(seen.await.unwrap(), 7);
    // It counts as the original does, and so do its clones and what is inside.
    let (clone, original) = (token.clone(), token.clone().into_inner());
    assert_eq!((tracker.len(), format!("{token:?}")), (3, format!("{original:?}")));
    let again = TaskTrackerToken::from(original);
    assert!(TaskTracker::ptr_eq(token.task_tracker(), &tracker));
    assert!(TaskTracker::ptr_eq(again.task_tracker(), &tracker));
    drop((token, clone));
    assert_eq!(tracker.len(), 1);
    drop(again);
    assert!(tracker.is_empty());
}

#[test]
fn a_join_map_takes_a_hasher_that_cannot_be_cloned() {
    struct Hashers(std::hash::RandomState);
    impl std::hash::BuildHasher for Hashers {
        type Hasher = std::hash::DefaultHasher;
        fn build_hasher(&self) -> Self::Hasher {
            self.0.build_hasher()
        }
    }
    let map: JoinMap<u32, (), Hashers> = JoinMap::with_hasher(Hashers(std::hash::RandomState::new()));
    assert!(map.is_empty());
    let map: JoinMap<u32, (), Hashers> = JoinMap::with_capacity_and_hasher(9, Hashers(std::hash::RandomState::new()));
    assert!(map.capacity() >= 9);
}

#[test]
fn a_scope_of_threads_has_what_the_original_has() {
    fn has_all<T: ?Sized + std::fmt::Debug + Send + Sync + Unpin + std::panic::RefUnwindSafe>() {}
    has_all::<thread::Scope<'_, '_>>();
    has_all::<std::thread::Scope<'_, '_>>();
    let shown = thread::scope(|s| format!("{s:?}"));
    assert_eq!(shown, std::thread::scope(|s| format!("{s:?}")));
}

#[test]
fn a_builder_of_threads_can_be_had_back() {
    let builder = thread::Builder::new().name("worker".to_owned());
    let original: std::thread::Builder = thread::Builder::from(builder.into_inner()).into();
    let plain = with_context!(NUMBER = 7, {
        original.spawn(|| (std::thread::current().name().map(str::to_owned), NUMBER.get()))
    });
    assert_eq!(plain.unwrap().join().unwrap(), (Some("worker".to_owned()), 0));
}
