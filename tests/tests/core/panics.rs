//! A panic in whatever the user wrote, wherever it runs, leaves the caller's context exactly as it was.

use std::fmt;
use std::panic;
use std::thread;

use contextvars::{Context, ContextExt, SharedContext, Token, context_var, copy_context, with_context};

use crate::support::{Census, Citizen, caught, isolated, panic_of, poll, yielding};

#[context_var(default = 0)]
static NUMBER: u32;

#[context_var]
static BOMB: Bomb;

#[context_var]
static OTHER_BOMB: Bomb;

#[context_var]
static COUNTED: Citizen;

/// Which of a value's methods panics.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Fuse {
    None,
    Clone,
    Debug,
    Eq,
    Drop,
}

/// A value one of whose methods panics, when it is the original.
struct Bomb(Fuse);

impl Bomb {
    fn go_off(&self, at: Fuse) {
        assert!(self.0 != at, "the bomb's {at:?}");
    }
}

impl Clone for Bomb {
    fn clone(&self) -> Self {
        self.go_off(Fuse::Clone);
        Self(Fuse::None)
    }
}

impl fmt::Debug for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.go_off(Fuse::Debug);
        f.write_str("Bomb")
    }
}

impl PartialEq for Bomb {
    fn eq(&self, _: &Self) -> bool {
        self.go_off(Fuse::Eq);
        true
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        self.go_off(Fuse::Drop);
    }
}

/// Runs `f`, which must panic with the message, and checks that the context is the same one, unchanged.
#[track_caller]
fn unharmed<R>(message: &str, f: impl FnOnce() -> R) {
    let probe = NUMBER.set(NUMBER.get());
    let before = copy_context();
    assert_eq!(panic_of(f).message, message);
    let after = copy_context();
    assert!(before.iter().map(identity).eq(after.iter().map(identity)), "{before:?} became {after:?}");
    // A token tells whether it is the context itself and not a copy.
    NUMBER.reset(probe).expect("the same context");
}

/// The variable and where its value lies.
fn identity((variable, value): (&'static contextvars::Variable, contextvars::ValueRef<'_>)) -> (usize, usize) {
    let address = value
        .downcast_ref::<u32>()
        .map(|it| std::ptr::from_ref(it).addr())
        .or(value.downcast_ref::<Bomb>().map(|it| std::ptr::from_ref(it).addr()))
        .or(value.downcast_ref::<Citizen>().map(|it| std::ptr::from_ref(it).addr()));
    (std::ptr::from_ref(variable).addr(), address.expect("a value of this file"))
}

/// A context with a value of each kind.
fn furnished<R>(fuse: Fuse, f: impl FnOnce() -> R) -> R {
    let census = Census::new();
    let mut ctx = Context::new().with(&NUMBER, 7).with(&COUNTED, census.citizen()).with(&BOMB, Bomb(fuse));
    let result = ctx.run(f);
    if fuse == Fuse::Drop {
        drop(panic_of(|| drop(ctx)));
    } else {
        drop(ctx);
    }
    assert_eq!(census.alive(), 0);
    result
}

#[test]
fn a_panic_in_run() {
    furnished(Fuse::None, || {
        let mut ctx = copy_context();
        let change_and_panic = || {
            NUMBER.set(8);
            drop(BOMB.set(Bomb(Fuse::None)));
            panic!("in run");
        };
        unharmed("in run", || ctx.run(change_and_panic));
        assert_eq!(ctx[&NUMBER], 8);
        unharmed("in run", || Context::new().run(|| ctx.run(change_and_panic)));
        let shared = SharedContext::from(ctx.clone());
        unharmed("in run", || shared.run(change_and_panic));
        unharmed("in run", || ctx.clone().wrap(change_and_panic)());
        unharmed("in run", || ctx.clone().wrap_fn(|()| change_and_panic())(()));
    });
}

#[test]
fn a_panic_in_the_body_of_a_scope() {
    furnished(Fuse::None, || {
        unharmed("in the body", || {
            with_context!(NUMBER = 8, {
                NUMBER.set(9);
                with_context!(BOMB = Bomb(Fuse::None), { panic!("in the body") });
            });
        });
    });
}

#[test]
fn a_panic_in_a_binding_s_value() {
    fn fails() -> u32 {
        panic!("in a value")
    }
    let census = Census::new();
    furnished(Fuse::None, || {
        unharmed("in a value", || with_context!(COUNTED = census.citizen(), NUMBER = fails(), {}));
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_panic_in_a_poll_or_in_a_future_s_drop() {
    /// Panics when it is dropped, unless something else does.
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            NUMBER.set(9);
            panic!("in drop");
        }
    }
    furnished(Fuse::None, || {
        let in_poll = async {
            NUMBER.set(8);
            yielding().await;
            panic!("in poll");
        };
        let mut in_poll = Box::pin(in_poll.in_current_context());
        assert!(poll(in_poll.as_mut()).is_pending());
        unharmed("in poll", || {
            let _: std::task::Poll<()> = poll(in_poll.as_mut());
        });
        let in_drop = async {
            let _panics = Panics;
            yielding().await;
        };
        let mut in_drop = Box::pin(in_drop.in_current_context());
        assert!(poll(in_drop.as_mut()).is_pending());
        unharmed("in drop", || drop(in_drop));
        let unpolled = Panics.in_current_context();
        unharmed("in drop", || drop(unpolled));
    });
}

#[test]
fn a_panic_in_with_while_the_value_is_replaced() {
    furnished(Fuse::None, || {
        unharmed("in with", || NUMBER.with(|_| BOMB.with(|_| panic!("in with"))));
        unharmed("in with", || {
            NUMBER.with(|number| {
                let token = NUMBER.set(8);
                assert_eq!((*number, NUMBER.get()), (7, 8));
                NUMBER.reset(token).unwrap();
                NUMBER.with(|_| panic!("in with"))
            })
        });
        // The readers of before are no more: sets park nothing for them.
        let census = Census::new();
        let token = COUNTED.set(census.citizen());
        drop(COUNTED.set(census.citizen()));
        assert_eq!(census.alive(), 1);
        COUNTED.reset(token).unwrap();
    });
}

#[test]
fn a_panic_in_a_reader_of_a_replaced_value_frees_it() {
    let census = Census::new();
    isolated(|| {
        COUNTED.set(census.citizen());
        let panicked = panic_of(|| {
            COUNTED.with(|_| {
                COUNTED.set(census.citizen());
                COUNTED.with(|_| {
                    COUNTED.set(census.citizen());
                    assert_eq!(census.alive(), 3);
                    panic!("with two readers");
                })
            })
        });
        assert_eq!((panicked.message.as_str(), census.alive()), ("with two readers", 1));
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_panic_in_clone() {
    furnished(Fuse::Clone, || {
        unharmed("the bomb's Clone", || BOMB.get());
        unharmed("the bomb's Clone", || BOMB.try_get());
        unharmed("the bomb's Clone", || BOMB.get_or(Bomb(Fuse::None)));
        unharmed("the bomb's Clone", || BOMB.with(|_| BOMB.get()));
        unharmed("in make", || OTHER_BOMB.get_or_else(|| panic!("in make")));
    });
}

#[test]
fn a_panic_in_debug_or_eq() {
    furnished(Fuse::Debug, || {
        let (ctx, shared) = (copy_context(), SharedContext::from(copy_context()));
        unharmed("the bomb's Debug", || format!("{ctx:?}"));
        unharmed("the bomb's Debug", || format!("{shared:?}"));
        unharmed("the bomb's Debug", || format!("{:?}", ctx.iter()));
        let token = copy_context().run(|| BOMB.set(Bomb(Fuse::None)));
        unharmed("the bomb's Debug", || format!("{token:?}"));
        assert!(!shared.is_entered());
    });
    furnished(Fuse::Eq, || {
        let ctx = copy_context();
        // Another bomb: one equals itself, and is not asked.
        let other = ctx.clone().with(&BOMB, Bomb(Fuse::Eq));
        unharmed("the bomb's Eq", || ctx == other);
    });
}

#[test]
fn a_panic_in_the_drop_of_a_replaced_value_comes_after_the_change() {
    isolated(|| {
        drop(BOMB.set(Bomb(Fuse::Drop)));
        assert_eq!(panic_of(|| drop(BOMB.set(Bomb(Fuse::None)))).message, "the bomb's Drop");
        assert!(BOMB.with(|bomb| bomb.0 == Fuse::None));
        let token = BOMB.set(Bomb(Fuse::Drop));
        assert_eq!(panic_of(|| BOMB.reset(token)).message, "the bomb's Drop");
        assert!(BOMB.with(|bomb| bomb.0 == Fuse::None));
        assert_eq!(panic_of(|| drop(BOMB.set_scoped(Bomb(Fuse::Drop)))).message, "the bomb's Drop");
        assert!(BOMB.with(|bomb| bomb.0 == Fuse::None));
    });
}

#[test]
fn a_panic_in_the_drop_of_a_context_drops_its_other_values_all_the_same() {
    let census = Census::new();
    furnished(Fuse::None, || {
        let doomed = || Context::new().with(&COUNTED, census.citizen()).with(&OTHER_BOMB, Bomb(Fuse::Drop));
        let ctx = doomed();
        unharmed("the bomb's Drop", || drop(ctx));
        let ctx = doomed();
        unharmed("the bomb's Drop", || ctx.with(&OTHER_BOMB, Bomb(Fuse::None)));
        unharmed("the bomb's Drop", || with_context!(OTHER_BOMB = Bomb(Fuse::Drop), COUNTED = census.citizen(), {}));
        let future = async {}.in_context(doomed());
        unharmed("the bomb's Drop", || drop(future));
        let wrapped = doomed().wrap(|| ());
        unharmed("the bomb's Drop", || drop(wrapped));
        let shared = SharedContext::from(doomed());
        unharmed("the bomb's Drop", || drop(shared));
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_panic_in_the_drop_of_a_value_that_a_reader_kept_alive() {
    isolated(|| {
        drop(BOMB.set(Bomb(Fuse::Drop)));
        let panicked = panic_of(|| {
            BOMB.with(|bomb| {
                drop(BOMB.set(Bomb(Fuse::None)));
                assert!(bomb.0 == Fuse::Drop);
            });
        });
        assert_eq!(panicked.message, "the bomb's Drop");
        assert!(BOMB.with(|bomb| bomb.0 == Fuse::None));
        let census = Census::new();
        drop(COUNTED.set(census.citizen()));
        drop(COUNTED.set(census.citizen()));
        assert_eq!(census.alive(), 1);
    });
}

/// A context within a context, which panics on being dropped if it is a bomb.
struct Nest {
    _citizen: Citizen,
    is_bomb: bool,
    _inner: Context,
}

impl Drop for Nest {
    fn drop(&mut self) {
        // While another one's panic is on its way, a second would abort the process.
        assert!(!self.is_bomb || thread::panicking(), "one of many");
    }
}

#[context_var]
static NEST: Nest;

#[test]
fn a_panic_in_the_drop_of_a_deeply_nested_value_drops_the_rest() {
    const LEVELS: u32 = if cfg!(miri) { 200 } else { 1000 };
    let census = Census::new();
    let mut ctx = Context::new();
    for level in (0..LEVELS).rev() {
        let nest = Nest { _citizen: census.citizen(), is_bomb: level % 100 == 70, _inner: ctx };
        ctx = Context::new().with(&NEST, nest);
    }
    assert_eq!((caught(|| drop(ctx)).unwrap_err().message.as_str(), census.alive()), ("one of many", 0));
}

#[test]
fn a_panic_caught_inside_a_scope_changes_nothing_for_the_scope() {
    isolated(|| {
        with_context!(NUMBER = 1, {
            let token: Token<u32> = NUMBER.set(2);
            let result = panic::catch_unwind(|| copy_context().run(|| panic::resume_unwind(Box::new(NUMBER.get()))));
            let payload: Result<(), _> = result;
            assert_eq!(payload.unwrap_err().downcast_ref(), Some(&2_u32));
            NUMBER.reset(token).unwrap();
            assert_eq!(NUMBER.get(), 1);
        });
    });
}

/// A value one of whose methods does much with contexts, and then panics in the middle of it.
struct Mine(Fuse);

impl Mine {
    fn step_on(&self, at: Fuse) {
        if self.0 != at || thread::panicking() {
            return;
        }
        NUMBER.set(90);
        let token = NUMBER.set(91);
        with_context!(NUMBER = 92, MINE = Self(Fuse::None), {
            copy_context().run(|| {
                MINE.with(|_| {
                    drop(MINE.set(Self(Fuse::None)));
                    let _guard = NUMBER.set_scoped(93);
                    let _never = NUMBER.reset(token).map_err(|error| assert!(error.is_wrong_context()));
                    panic!("the mine's {at:?}")
                })
            })
        });
    }
}

impl Clone for Mine {
    fn clone(&self) -> Self {
        self.step_on(Fuse::Clone);
        Self(Fuse::None)
    }
}

impl fmt::Debug for Mine {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.step_on(Fuse::Debug);
        Ok(())
    }
}

impl PartialEq for Mine {
    fn eq(&self, _: &Self) -> bool {
        self.step_on(Fuse::Eq);
        true
    }
}

impl Drop for Mine {
    fn drop(&mut self) {
        self.step_on(Fuse::Drop);
    }
}

#[context_var]
static MINE: Mine;

#[test]
fn a_method_that_panics_while_it_uses_contexts_leaves_only_what_it_had_set() {
    let census = Census::new();
    let try_out = |fuse: Fuse, number_left: u32, f: &dyn Fn(Context)| {
        let laid = || Context::new().with(&MINE, Mine(fuse)).with(&COUNTED, census.citizen());
        let mut home = Context::new().with(&NUMBER, 1);
        home.run(|| {
            let probe = NUMBER.set(2);
            let message = panic_of(|| f(laid())).message;
            assert_eq!(message, format!("the mine's {fuse:?}"));
            assert_eq!(NUMBER.get(), number_left);
            NUMBER.reset(probe).expect("the same context");
            let in_a_scope = panic_of(|| with_context!(NUMBER = 3, { f(laid()) }));
            assert_eq!((in_a_scope.message, NUMBER.get()), (message, 1));
        });
        assert!(!home.contains(&MINE));
    };
    // In the value's own context, whose set is gone with it.
    try_out(Fuse::Clone, 2, &|mut ctx| drop(ctx.run(|| MINE.with(|_| MINE.get()))));
    // In another, which keeps what was set before the panic, as in Python.
    try_out(Fuse::Debug, 91, &|ctx| drop(format!("{ctx:?}")));
    try_out(Fuse::Eq, 91, &|ctx| assert!(ctx == ctx.clone().with(&MINE, Mine(Fuse::None))));
    // In the empty one in which a context is freed.
    try_out(Fuse::Drop, 2, &|ctx| drop(ctx));
    try_out(Fuse::Drop, 2, &|ctx| drop(SharedContext::from(ctx)));
    try_out(Fuse::Drop, 2, &|ctx| drop(async {}.in_context(ctx)));
    assert_eq!(census.alive(), 0);
}
