//! Cases about threads.

use std::sync::Barrier;
use std::thread;

use contextvars::{Context, context_var, copy_context};

use crate::support::isolated;

#[context_var]
static CVAR: usize;

#[context_var]
static CUSTOM: usize;

/// `test_context_threads_1`, where a barrier stands for the sleeps: all have set before any reads
#[test]
fn ten_threads_do_not_see_each_others_values() {
    let all = Barrier::new(10);
    let work = |number: usize| {
        for i in 0..10 {
            CVAR.set(number + i);
            all.wait();
            assert_eq!(CVAR.get(), number + i);
            all.wait();
        }
        number
    };
    let results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..10).map(|number| scope.spawn(move || work(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(results.into_iter().eq(0..10));
    assert!(!CVAR.is_set());
}

/// `test_context_thread_inherit`: a thread of `std::thread` is one under `thread_inherit_context=0`, the default there,
/// and one of `contextvars::thread` is one under `thread_inherit_context=1`; the context given to a thread is the one
/// it runs in
#[test]
fn a_thread_begins_with_nothing_or_with_the_context_it_is_given() {
    isolated(|| {
        CVAR.set(1);
        assert!(thread::spawn(|| CVAR.try_get().is_err()).join().unwrap());

        assert_eq!(contextvars::thread::spawn(|| CVAR.get()).join().unwrap(), 1);
        assert_eq!(thread::spawn(copy_context().wrap(|| CVAR.get())).join().unwrap(), 1);

        let mut custom = Context::new();
        custom.run(|| CUSTOM.set(2));
        assert_eq!(thread::spawn(move || custom.run(|| CUSTOM.get())).join().unwrap(), 2);

        let mut empty = Context::new();
        assert!(thread::spawn(move || empty.run(|| CVAR.try_get().is_err())).join().unwrap());
    });
}
