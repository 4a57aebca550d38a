//! Contexts travel into threads of the standard library.

use std::sync::mpsc;

use contextvars::{Context, context_var, copy_context, thread, with_context};

use crate::support;
use crate::support::Census;

#[context_var(default = 0)]
static REQUEST_ID: u64;

#[context_var]
static USER: String;

#[context_var(inherit = false)]
static TRANSACTION: u64;

#[context_var]
static CITIZEN: support::Citizen;

/// Three variables set, one of which is not to be inherited.
fn request(id: u64) -> Context {
    Context::new().with(&REQUEST_ID, id).with(&USER, format!("user {id}")).with(&TRANSACTION, id)
}

fn seen() -> (u64, Option<String>, Option<u64>) {
    (REQUEST_ID.get(), USER.try_get().ok(), TRANSACTION.try_get().ok())
}

fn inherited(id: u64) -> (u64, Option<String>, Option<u64>) {
    (id, Some(format!("user {id}")), None)
}

#[test]
fn a_spawned_thread_inherits_all_but_what_must_stay() {
    request(7).run(|| {
        assert_eq!(thread::spawn(seen).join().unwrap(), inherited(7));
        assert_eq!(TRANSACTION.get(), 7);
    });
}

#[test]
fn a_thread_of_std_begins_in_an_empty_context() {
    request(7).run(|| {
        assert!(std::thread::spawn(|| copy_context().is_empty()).join().unwrap());
    });
}

#[test]
fn what_a_thread_sets_stays_there() {
    request(7).run(|| {
        let before = copy_context();
        thread::spawn(|| REQUEST_ID.set(8)).join().unwrap();
        thread::scope(|s| s.spawn(|| REQUEST_ID.set(9)).join().unwrap());
        thread::Builder::new().spawn(|| REQUEST_ID.set(10)).unwrap().join().unwrap();
        assert_eq!(copy_context(), before);
    });
}

#[test]
fn what_the_spawner_sets_later_is_not_seen() {
    request(7).run(|| {
        let (go, wait) = mpsc::channel();
        let child = thread::spawn(move || wait.recv().map(|()| REQUEST_ID.get()));
        REQUEST_ID.set(8);
        go.send(()).unwrap();
        assert_eq!(child.join().unwrap(), Ok(7));
    });
}

#[test]
fn a_builders_thread_inherits_and_has_its_name() {
    request(7).run(|| {
        let builder = thread::Builder::new().name("worker".to_owned()).stack_size(256 * 1024);
        let child = builder.spawn(|| (thread::current().name().map(str::to_owned), seen())).unwrap();
        assert_eq!(child.join().unwrap(), (Some("worker".to_owned()), inherited(7)));
    });
}

#[test]
fn a_builder_of_std_can_be_made_to_inherit() {
    request(7).run(|| {
        let builder = thread::Builder::from(std::thread::Builder::new());
        assert_eq!(builder.spawn(seen).unwrap().join().unwrap(), inherited(7));
    });
}

#[test]
fn a_builders_scoped_thread_inherits_and_borrows() {
    let mut numbers = vec![1, 2];
    request(7).run(|| {
        thread::scope(|s| {
            let child = thread::Builder::new().spawn_scoped(s, || {
                numbers.push(REQUEST_ID.get());
                seen()
            });
            assert_eq!(child.unwrap().join().unwrap(), inherited(7));
        });
    });
    assert_eq!(numbers, [1, 2, 7]);
}

#[test]
fn each_scoped_thread_inherits_from_its_spawner_and_borrows() {
    let mut slots = [0; 4];
    thread::scope(|s| {
        let (first, rest) = slots.split_at_mut(1);
        with_context!(REQUEST_ID = 1, {
            s.spawn(|| {
                first[0] = REQUEST_ID.get();
                REQUEST_ID.set(2);
                // A thread that spawns: what it lends must live as long as the scope, as in the standard library.
                for slot in rest {
                    let id = REQUEST_ID.get();
                    s.spawn(move || *slot = REQUEST_ID.get());
                    REQUEST_ID.set(id + 1);
                }
            });
        });
    });
    assert_eq!(slots, [1, 2, 3, 4]);
}

/// The types can be written as those of the standard library are.
fn spawn_on<'scope, 'env>(
    scope: &'scope thread::Scope<'scope, 'env>,
    name: &'env str,
) -> thread::ScopedJoinHandle<'scope, String> {
    scope.spawn(move || format!("{name} {}", REQUEST_ID.get()))
}

#[test]
fn a_scope_can_be_handed_to_a_function() {
    let name = "request".to_owned();
    let said = request(7).run(|| thread::scope(|s| spawn_on(s, &name).join().unwrap()));
    assert_eq!(said, "request 7");
}

#[test]
fn a_scope_returns_what_its_closure_does_and_runs_it_in_the_callers_context() {
    request(7).run(|| {
        let id = thread::scope(|_| {
            USER.set("grace".to_owned());
            REQUEST_ID.get()
        });
        assert_eq!((id, USER.get()), (7, "grace".to_owned()));
    });
}

#[test]
fn the_rest_of_std_thread_is_there() {
    thread::yield_now();
    assert_eq!(thread::current().id(), std::thread::current().id());
    assert!(!thread::panicking());
}

#[test]
fn a_panic_in_a_thread_reaches_the_thread_that_joins_it() {
    let result = request(7).run(|| thread::spawn(|| panic!("request {}", REQUEST_ID.get())).join());
    let payload = result.map(|()| "no panic").unwrap_err();
    assert_eq!(payload.downcast_ref::<String>().map(String::as_str), Some("request 7"));
}

#[test]
fn a_thread_frees_its_copy_when_it_ends() {
    let census = Census::new();
    with_context!(CITIZEN = census.citizen(), {
        thread::spawn(|| assert!(CITIZEN.is_set())).join().unwrap();
        thread::scope(|s| s.spawn(|| drop(CITIZEN.set(census.citizen()))).join().unwrap());
    });
    assert_eq!(census.alive(), 0);
}

#[cfg(target_os = "linux")]
#[cfg_attr(miri, ignore = "no thread can be refused there, however large its stack")]
#[test]
fn a_closure_that_no_thread_could_be_started_for_is_dropped_in_the_context() {
    struct ReadsOnDrop(mpsc::Sender<u64>);
    impl Drop for ReadsOnDrop {
        fn drop(&mut self) {
            self.0.send(REQUEST_ID.get()).unwrap();
        }
    }
    let (send, receive) = mpsc::channel();
    let reads = ReadsOnDrop(send);
    request(7).run(|| {
        // All of the address space but a little, of which the program itself takes more. A sum with a guard page and
        // what the system adds besides does not overflow.
        let builder = thread::Builder::new().stack_size(usize::MAX - (1 << 20));
        let refused = builder.spawn(move || drop(reads));
        assert!(refused.is_err());
    });
    assert_eq!(receive.recv(), Ok(7));
}

#[test]
fn a_scopes_panic_is_reported_where_the_scope_was_called() {
    let panicked = support::panic_of(|| {
        thread::scope(|s| {
            s.spawn(|| panic!("a thread's own"));
        });
    });
    assert_eq!((panicked.message.as_str(), panicked.file.as_str()), ("a scoped thread panicked", file!()));
}
