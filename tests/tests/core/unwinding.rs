//! Destructors that use the whole library while a panic is on its way through them.

use std::future;
use std::panic;
use std::sync::{Arc, Mutex};
use std::thread;

use contextvars::{
    Context, ContextExt, SetGuard, SharedContext, Token, context_var, copy_context, inherit_context, with_context,
};

use crate::support::{Census, Citizen, OnDrop, isolated, on_a_thread, panic_of, poll, yielding};

#[context_var(default = 0)]
static NUMBER: u32;

#[context_var]
static NAME: String;

#[context_var]
static COUNTED: Citizen;

/// A value whose destructor calls a function, if it has one.
struct Hook(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Drop for Hook {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

#[context_var]
static HOOK: Hook;

/// Does everything there is with contexts, and leaves the current one as it was.
fn use_everything(census: &Census) {
    assert!(thread::panicking(), "it is about destructors that a panic runs");
    let before = copy_context();
    let token = NUMBER.set(100);
    with_context!(NUMBER = 101, COUNTED = census.citizen(), {
        NUMBER.set(102);
        with_context!(NAME = "in two scopes".to_owned(), COUNTED = census.citizen(), {
            COUNTED.with(|_| drop(COUNTED.set(census.citizen())));
            assert_eq!((NUMBER.get(), NAME.get().as_str()), (102, "in two scopes"));
        });
        assert_eq!((NUMBER.get(), inherit_context()[&NUMBER]), (102, 102));
    });
    {
        let _guard = NUMBER.set_scoped(103);
        NUMBER.with(|number| {
            let _guard = NUMBER.set_scoped(104);
            assert_eq!((*number, NUMBER.get()), (103, 104));
        });
    }
    let mut ctx = copy_context();
    assert_eq!(ctx.run(|| (NUMBER.set(105).old_value().copied(), NUMBER.get())), (Some(100), 105));
    let shared = SharedContext::from(ctx.clone());
    assert!(shared.run(|| shared.run(|| ())).unwrap().is_err());
    let mut half_polled = Box::pin(
        async {
            let _sees = OnDrop(|| assert_eq!(NUMBER.get(), 106));
            NUMBER.set(106);
            yielding().await;
        }
        .in_context(ctx),
    );
    assert!(poll(half_polled.as_mut()).is_pending());
    drop(half_polled);
    drop(future::pending::<()>().in_current_context());
    assert_eq!(contextvars::thread::spawn(|| NUMBER.get()).join().unwrap(), 100);
    // A panic of its own, caught.
    let caught = panic::catch_unwind(|| {
        with_context!(NUMBER = 107, { copy_context().run(|| panic::resume_unwind(Box::new(NUMBER.get()))) });
    });
    let caught: Result<(), _> = caught;
    assert_eq!(caught.unwrap_err().downcast_ref(), Some(&107_u32));
    NUMBER.reset(token).unwrap();
    assert_eq!(copy_context(), before);
}

/// Panics within scopes, runs and readers, in each of which a destructor uses everything.
fn panic_past_destructors(census: &Census) {
    let before = NUMBER.set(1);
    let panicked = panic_of(|| {
        with_context!(NUMBER = 2, COUNTED = census.citizen(), {
            let _in_the_scope = OnDrop(|| {
                assert_eq!(NUMBER.get(), 2);
                use_everything(census);
            });
            copy_context().run(|| {
                let _in_the_run = OnDrop(|| {
                    assert_eq!(NUMBER.get(), 4);
                    use_everything(census);
                });
                NUMBER.set(4);
                COUNTED.with(|_| {
                    let _in_the_reader = OnDrop(|| {
                        assert_eq!(NUMBER.get(), 4);
                        use_everything(census);
                    });
                    COUNTED.set(census.citizen());
                    with_context!(NUMBER = 5, {
                        let _guard = NUMBER.set_scoped(6);
                        panic!("past them all")
                    })
                });
            });
        });
    });
    assert_eq!(panicked.message, "past them all");
    assert_eq!((NUMBER.get(), COUNTED.is_set()), (1, false));
    NUMBER.reset(before).expect("the context is the one it was");
}

#[test]
fn destructors_that_a_panic_runs_may_use_everything() {
    let census = Census::new();
    isolated(|| panic_past_destructors(&census));
    assert_eq!(census.alive(), 0);
    // In a thread's base context, too, which lends nothing.
    on_a_thread({
        let census = census.clone();
        move || panic_past_destructors(&census)
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn values_that_a_panic_drops_may_use_everything() {
    let census = Census::new();
    let ran = Arc::new(Mutex::new(0));
    let hook = || {
        let (census, ran) = (census.clone(), Arc::clone(&ran));
        Hook(Some(Box::new(move || {
            use_everything(&census);
            *ran.lock().unwrap() += 1;
        })))
    };
    isolated(|| {
        NUMBER.set(1);
        let panicked = panic_of(|| {
            // A value that a scope binds, one that its body sets, one of a context, of a token, of a future.
            with_context!(HOOK = hook(), {
                let ctx = Context::new().with(&HOOK, hook());
                let _future = Box::pin(future::pending::<()>().in_context(Context::new().with(&HOOK, hook())));
                HOOK.with(|_| {
                    let tokens: [Token<Hook>; 2] = [HOOK.set(hook()), HOOK.set(hook())];
                    let _kept = (ctx, tokens);
                    panic!("with values everywhere")
                })
            });
        });
        assert_eq!(panicked.message, "with values everywhere");
        assert_eq!((NUMBER.get(), HOOK.is_set()), (1, false));
    });
    assert_eq!((*ran.lock().unwrap(), census.alive()), (5, 0));
}

#[test]
fn a_guard_that_a_panic_drops_in_another_context_changes_neither() {
    isolated(|| {
        let mut other = Context::new().with(&NUMBER, 10);
        let guard: SetGuard<u32> = NUMBER.set_scoped(2);
        let panicked = panic_of(|| {
            other.run(|| {
                let _guard = guard;
                panic!("in another context")
            })
        });
        assert_eq!(panicked.message, "in another context");
        assert_eq!((NUMBER.get(), other[&NUMBER]), (2, 10));
    });
}

#[test]
fn a_panic_may_start_in_a_destructor_that_runs_in_the_context_of_another_s_scope() {
    let census = Census::new();
    isolated(|| {
        NUMBER.set(1);
        let bomb = || {
            Hook(Some(Box::new(|| {
                with_context!(NUMBER = 20, { NUMBER.with(|_| copy_context().run(|| panic!("in the destructor"))) });
            })))
        };
        // Replaced, reset, at the end of a scope, of a run, of a future, of a reader: the caller's context is whole.
        let whole = |f: &mut dyn FnMut()| {
            let token = NUMBER.set(NUMBER.get());
            assert_eq!(panic_of(f).message, "in the destructor");
            NUMBER.reset(token).expect("the context is the one it was");
            assert_eq!(NUMBER.get(), 1);
        };
        whole(&mut || {
            HOOK.set(bomb());
            drop(HOOK.set(Hook(None)));
        });
        whole(&mut || {
            let token = HOOK.set(bomb());
            drop(HOOK.reset(token));
        });
        // The body must have no result to drop: the compiler forgets it when a destructor panics at the end of a block.
        whole(&mut || with_context!(HOOK = bomb(), COUNTED = census.citizen(), { drop(NUMBER.set(3)) }));
        whole(&mut || {
            with_context!(COUNTED = census.citizen(), {
                HOOK.set(bomb());
                COUNTED.set(census.citizen());
            });
        });
        whole(&mut || Context::new().run(|| drop(HOOK.set_scoped(bomb()))));
        whole(&mut || drop(future::pending::<()>().in_context(Context::new().with(&HOOK, bomb()))));
        whole(&mut || {
            HOOK.set(bomb());
            HOOK.with(|_| drop(HOOK.set(Hook(None))));
        });
    });
    assert_eq!(census.alive(), 0);
}
