//! The sources of `contextvars/src/state` that have atomics, on those of loom, and the models.

#![expect(unsafe_code, reason = "what is under test has it, and what loom watches is shared between threads")]

use loom::cell::UnsafeCell;
use loom::sync::atomic::AtomicU32;
use loom::sync::{self, Arc, Mutex};
use loom::thread;

#[path = "../../contextvars/src/state/count.rs"]
mod count;
#[path = "../../contextvars/src/state/id.rs"]
mod id;
#[path = "../../contextvars/src/state/pool.rs"]
mod pool;
#[path = "../../contextvars/src/state/shared.rs"]
#[expect(dead_code, reason = "whether two handles are the same is no question of order")]
mod shared;

use id::{Id, UNASSIGNED};
use shared::Shared;

models![
    what_owners_did_comes_before_the_block_s_end,
    what_former_owners_did_comes_before_a_change,
    a_shared_block_is_copied_and_not_changed,
    a_handle_that_was_passed_on_is_an_owner_like_any,
    of_those_who_give_up_all_but_the_last_one_is_left_with_it,
    an_id_is_given_out_once,
];

/// Something that must not be written while another thread reads it, which loom sees to.
struct Watched(UnsafeCell<()>);

// SAFETY: loom refuses what is not safe.
unsafe impl Sync for Watched {}

impl Watched {
    fn new() -> Self {
        Self(UnsafeCell::new(()))
    }

    fn read(&self) {
        self.0.with(|_| ());
    }

    fn write(&self) {
        self.0.with_mut(|_| ());
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.write();
    }
}

fn what_owners_did_comes_before_the_block_s_end() {
    let shared = Shared::new(Watched::new);
    let owners: Vec<_> = (0..2)
        .map(|_| {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.read();
                drop(shared);
            })
        })
        .collect();
    shared.read();
    drop(shared);
    for owner in owners {
        owner.join().unwrap();
    }
}

fn what_former_owners_did_comes_before_a_change() {
    let mut shared = Shared::new(Watched::new);
    let former = shared.clone();
    let thread = thread::spawn(move || {
        former.read();
        drop(former);
    });
    if let Some(watched) = shared.get_mut() {
        watched.write();
    }
    thread.join().unwrap();
    assert!(shared.get_mut().is_some(), "one owner is left");
}

fn a_shared_block_is_copied_and_not_changed() {
    let mut shared = Shared::new(Watched::new);
    let mut other = shared.clone();
    let copy = |watched: &Watched| {
        watched.read();
        Shared::new(Watched::new)
    };
    let thread = thread::spawn(move || other.make_mut(copy).write());
    shared.make_mut(copy).write();
    thread.join().unwrap();
}

fn a_handle_that_was_passed_on_is_an_owner_like_any() {
    let shared = Shared::new(Watched::new);
    let first = shared.clone();
    let thread = thread::spawn(move || {
        let second = first.clone();
        drop(first);
        thread::spawn(move || second.read())
    });
    drop(shared);
    thread.join().unwrap().join().unwrap();
}

fn of_those_who_give_up_all_but_the_last_one_is_left_with_it() {
    let shared = Shared::new(Watched::new);
    let give_up = |shared: Shared<Watched>| {
        shared.read();
        let last = shared.into_last();
        last.is_some_and(|mut last| {
            last.get_mut().is_some_and(|watched| {
                watched.write();
                true
            })
        })
    };
    let other = shared.clone();
    let thread = thread::spawn(move || give_up(other));
    let is_last = give_up(shared);
    assert!(is_last ^ thread.join().unwrap(), "one of the two, and as its sole owner");
}

fn an_id_is_given_out_once() {
    let shared = Arc::new((Id { number: AtomicU32::new(UNASSIGNED) }, Mutex::new(0)));
    let user = |shared: Arc<(Id, Mutex<u32>)>| {
        move || {
            let (id, next) = &*shared;
            let number = id.assigned(next);
            assert_eq!((number, id.number()), (0, 0));
        }
    };
    let thread = thread::spawn(user(Arc::clone(&shared)));
    user(Arc::clone(&shared))();
    thread.join().unwrap();
    assert_eq!(*shared.1.lock().unwrap(), 1, "one number was given out");
}
