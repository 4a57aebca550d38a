//! Long-lived readers, deep nesting, forgotten handles: memory stays bounded and the stack is not overflowed.

use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use contextvars::{
    Context, ContextExt, SharedContext, Token, context_var, copy_context, round_trip, tokio, with_context,
};

use crate::support::{Census, Citizen, forget, isolated, on_a_thread, poll, yielding};

#[context_var(default = 0)]
static NUMBER: u64;

#[context_var]
static NAME: String;

#[context_var]
static COUNTED: Citizen;

#[context_var]
static CONFIG: Citizen;

/// Fewer where each step is slow.
const MANY: u64 = if cfg!(miri) {
    200
} else if cfg!(debug_assertions) {
    1_000_000
} else {
    10_000_000
};

/// How many contexts, scopes and readers stand within one another, on the stack.
const NESTED: u64 = if cfg!(miri) { 500 } else { 100_000 };

/// How many contexts are values of one another, on the heap.
const CHAINED: usize = if cfg!(miri) { 2_000 } else { 1_000_000 };

#[test]
fn sets_under_a_live_reader_park_its_value_and_no_other() {
    const SETS: u64 = if cfg!(miri) { MANY } else { 10_000_000 };
    let census = Census::new();
    isolated(|| {
        drop(COUNTED.set(census.citizen()));
        COUNTED.with(|_| {
            for n in 0..SETS / 2 {
                drop(COUNTED.set(census.citizen()));
                drop(NUMBER.set(n));
                // The reader's, and the current one.
                assert_eq!(census.alive(), 2);
            }
        });
        assert_eq!((census.alive(), NUMBER.get()), (1, SETS / 2 - 1));
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn what_is_parked_is_bounded_by_the_number_of_live_readers() {
    fn nest(census: &Census, readers: usize) {
        drop(COUNTED.set(census.citizen()));
        if readers == 0 {
            for _ in 0..1000 {
                drop(COUNTED.set(census.citizen()));
                assert_eq!(census.alive(), 11);
            }
            return;
        }
        COUNTED.with(|_| nest(census, readers - 1));
        assert_eq!(census.alive(), 11 - readers);
    }
    let census = Census::new();
    isolated(|| nest(&census, 10));
    assert_eq!(census.alive(), 0);
}

#[test]
fn runs_and_scopes_under_a_live_reader_park_nothing_of_theirs() {
    let census = Census::new();
    isolated(|| {
        drop(COUNTED.set(census.citizen()));
        COUNTED.with(|_| {
            for _ in 0..MANY.min(10_000) {
                with_context!(COUNTED = census.citizen(), { drop(COUNTED.set(census.citizen())) });
                copy_context().run(|| drop(COUNTED.set(census.citizen())));
                assert_eq!(census.alive(), 1);
            }
        });
    });
}

#[test]
fn a_reader_may_live_as_long_as_the_program() {
    let census = Census::new();
    on_a_thread({
        let census = census.clone();
        move || {
            drop(CONFIG.set(census.citizen()));
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
            // A server, with its configuration at hand.
            CONFIG.with(|_| {
                runtime.block_on(async {
                    for _ in 0..200 {
                        drop(CONFIG.set(census.citizen()));
                        let requests: tokio::task::JoinSet<()> = (0..10)
                            .map(|_| {
                                let census = census.clone();
                                async move {
                                    drop(COUNTED.set(census.citizen()));
                                    tokio::task::yield_now().await;
                                    COUNTED.with(|_| drop(COUNTED.set(census.citizen())));
                                }
                            })
                            .collect();
                        requests.join_all().await;
                        assert_eq!(census.alive(), 2);
                    }
                });
            });
            assert_eq!(census.alive(), 1);
        }
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn forgotten_tokens_and_guards_unbalance_nothing() {
    let census = Census::new();
    isolated(|| {
        drop(NAME.set("reader's".to_owned()));
        NAME.with(|name| {
            for n in 0..100 {
                forget(NAME.set(format!("token {n}")));
                forget(NAME.set_scoped(format!("guard {n}")));
                forget(copy_context());
            }
            assert_eq!(name, "reader's");
        });
        assert_eq!(NAME.get(), "guard 99");
        // Readers and sets go on.
        drop(COUNTED.set(census.citizen()));
        COUNTED.with(|_| drop(COUNTED.set(census.citizen())));
        assert_eq!(census.alive(), 1);
    });
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_forgotten_future_or_handle_leaves_the_current_context_alone() {
    isolated(|| {
        drop(NUMBER.set(1));
        let mut future = Box::pin(
            async {
                drop(NUMBER.set(2));
                yielding().await;
            }
            .in_current_context(),
        );
        assert!(poll(future.as_mut()).is_pending());
        forget(future);
        let shared = SharedContext::from(copy_context());
        shared.run(|| forget(shared.clone())).unwrap();
        shared.run(|| drop(NUMBER.set(3))).unwrap();
        forget(shared);
        forget(copy_context().wrap(|| ()));
        assert_eq!(NUMBER.get(), 1);
    });
}

#[test]
fn whatever_can_be_forgotten_may_be_in_the_middle_of_a_scope() {
    isolated(|| {
        drop(NUMBER.set(1));
        with_context!(NUMBER = 2, {
            // An error with its token, a half-done iteration, a round trip before, half way and after, a scope's
            // future.
            let token = NUMBER.set(3);
            forget(copy_context().run(|| NUMBER.reset(token)).unwrap_err());
            let ctx = copy_context();
            let mut items = ctx.iter();
            assert_eq!(items.next().map(|(variable, _)| variable.name()), Some("NUMBER"));
            forget((items, ctx.diff(&Context::new())));
            forget(ctx);
            forget(round_trip(|| drop(NUMBER.set(4))));
            let returned = thread::scope(|scope| scope.spawn(round_trip(|| drop(NUMBER.set(5)))).join().unwrap());
            forget(returned);
            let mut scope = Box::pin(with_context!(NUMBER = 6, async {
                forget(NUMBER.set_scoped(7));
                NUMBER.with(|_| drop(NAME.set("replaced".to_owned())));
                yielding().await;
            }));
            assert!(poll(scope.as_mut()).is_pending());
            forget(scope);
            forget(async {}.in_current_context().into_parts());
            forget(contextvars::thread::spawn(|| NUMBER.get()));
            assert_eq!((NUMBER.get(), NAME.is_set()), (3, false));
        });
        assert_eq!(NUMBER.get(), 1);
    });
}

/// A value that can be given a context when it is set already.
#[derive(Default)]
struct Keeper(Mutex<Option<Context>>);

impl Keeper {
    fn keep(&self, context: Option<Context>) {
        let _old = mem::replace(&mut *self.0.lock().unwrap(), context);
    }
}

#[context_var]
static KEEPER: Arc<Keeper>;

#[test]
fn a_value_that_holds_a_context_in_which_it_is_set_keeps_itself_alive() {
    let keeper = Arc::new(Keeper::default());
    let alive = Arc::downgrade(&keeper);
    let ctx = Context::new().with(&KEEPER, Arc::clone(&keeper));
    keeper.keep(Some(ctx));
    drop(keeper);
    // It has no other owner than itself; without its context it ends.
    alive.upgrade().unwrap().keep(None);
    assert!(alive.upgrade().is_none());

    let keeper = Arc::new(Keeper::default());
    let alive = Arc::downgrade(&keeper);
    keeper.keep(Some(Context::new().with(&NUMBER, 1)));
    drop(Context::new().with(&KEEPER, keeper));
    assert!(alive.upgrade().is_none(), "a context in which it is not set is no cycle");
}

#[test]
fn a_token_may_outlive_its_context() {
    let census = Census::new();
    let token = isolated(|| {
        drop(COUNTED.set(census.citizen()));
        COUNTED.set(census.citizen())
    });
    assert_eq!(census.alive(), 1);
    assert!(token.old_value().is_some());
    let error = COUNTED.reset(token).unwrap_err();
    assert_eq!((error.is_wrong_context(), census.alive()), (true, 1));
    drop(error);
    assert_eq!(census.alive(), 0);
}

#[test]
fn no_two_contexts_are_taken_for_one_another() {
    let tokens = || -> Vec<(Context, Token<u64>)> {
        let new = |n| {
            let mut ctx = Context::new();
            let token = ctx.run(|| NUMBER.set(n));
            (ctx, token)
        };
        (0..MANY.min(10_000)).map(new).collect()
    };
    let threads: Vec<_> = (0..3).map(|_| thread::spawn(tokens)).collect();
    let all: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    let (mut contexts, tokens): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    contexts.rotate_left(1);
    let mut foreign = Vec::new();
    for (ctx, token) in contexts.iter_mut().zip(tokens) {
        foreign.push(ctx.run(|| NUMBER.reset(token)).unwrap_err().into_token());
    }
    contexts.rotate_right(1);
    for (ctx, token) in contexts.iter_mut().zip(foreign) {
        ctx.run(|| NUMBER.reset(token)).unwrap();
        assert!(ctx.is_empty());
    }
}

#[test]
fn a_hundred_thousand_contexts_nest() {
    fn nest(depth: u64) -> u64 {
        if depth == 0 {
            return NUMBER.get();
        }
        let mut ctx = copy_context();
        let result = ctx.run(|| {
            drop(NUMBER.set(NUMBER.get() + 1));
            nest(depth - 1)
        });
        // Whatever the inner ones did, this one's is as it was.
        assert_eq!(ctx[&NUMBER] + depth - 1, result);
        result
    }
    assert_eq!(on_a_thread(|| (nest(NESTED), NUMBER.is_set())), (NESTED, false));
}

#[test]
fn a_hundred_thousand_scopes_and_readers_nest() {
    fn nest(depth: u64) -> u64 {
        if depth == 0 {
            // Now all readers' values are replaced.
            drop(NUMBER.set(0));
            return 0;
        }
        with_context!(NUMBER = depth, { NUMBER.with(|number| nest(depth - 1) + u64::from(*number == depth)) })
    }
    fn read(depth: u64) -> u64 {
        if depth == 0 {
            drop(NAME.set("replaced".to_owned()));
            return 0;
        }
        NAME.with(|name| read(depth - 1) + u64::from(name == "read by all"))
    }
    on_a_thread(|| {
        assert_eq!((nest(NESTED), NUMBER.is_set()), (NESTED, false));
        drop(NAME.set("read by all".to_owned()));
        assert_eq!((read(NESTED), NAME.get().as_str()), (NESTED, "replaced"));
    });
}

/// A value that holds a context, which holds such a value, and so on.
struct Link {
    inner: Option<Context>,
    dropped: Arc<AtomicUsize>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        // By hand or by the compiler: both must do.
        if self.dropped.load(Ordering::Relaxed) % 2 == 0 {
            drop(self.inner.take());
        }
    }
}

#[context_var]
static LINK: Link;

#[context_var]
static OTHER_LINK: Arc<Link>;

/// Contexts within one another, on this many levels.
fn chain(length: usize, dropped: &Arc<AtomicUsize>) -> Context {
    let mut ctx = Context::new();
    for level in 0..length {
        let link = Link { inner: Some(ctx), dropped: Arc::clone(dropped) };
        ctx = match level % 3 {
            0 => Context::new().with(&LINK, link),
            1 => Context::new().with(&OTHER_LINK, Arc::new(link)).with(&NUMBER, 1),
            _ => Context::new().with(&NUMBER, 1).with(&LINK, link).clone(),
        };
    }
    ctx
}

#[test]
fn a_million_contexts_within_one_another_are_dropped_without_overflowing_the_stack() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let chain = chain(CHAINED, &dropped);
    // The stack of an ordinary thread, or less. On s390x, each call takes some hundred bytes more of it.
    let stack = if cfg!(target_arch = "s390x") { 1 << 20 } else { 256 << 10 };
    thread::Builder::new().stack_size(stack).spawn(move || drop(chain)).unwrap().join().unwrap();
    assert_eq!(dropped.load(Ordering::Relaxed), CHAINED);
}

#[test]
fn a_deep_structure_may_go_wherever_values_go() {
    const LENGTH: usize = CHAINED / 20;
    let dropped = Arc::new(AtomicUsize::new(0));
    let all_dropped = |length: usize| assert_eq!(dropped.swap(0, Ordering::Relaxed), length);
    let link = || Link { inner: Some(chain(LENGTH, &dropped)), dropped: Arc::clone(&dropped) };
    isolated(|| {
        drop(LINK.set(link()));
        drop(LINK.set(link()));
        all_dropped(LENGTH + 1);
        let token = LINK.set(link());
        LINK.reset(token).unwrap();
        all_dropped(LENGTH + 1);
        LINK.with(|_| {
            drop(LINK.set(link()));
            all_dropped(0);
        });
        all_dropped(LENGTH + 1);
        with_context!(LINK = link(), {});
        all_dropped(LENGTH + 1);
        drop(async {}.in_context(chain(LENGTH, &dropped)));
        all_dropped(LENGTH);
        drop(SharedContext::from(chain(LENGTH, &dropped)));
        all_dropped(LENGTH);
    });
    all_dropped(LENGTH + 1);
    // A thread's base context, when the thread ends.
    thread::scope(|scope| scope.spawn(|| drop(LINK.set(link()))).join().unwrap());
    all_dropped(LENGTH + 1);
}

/// A tree of contexts, two in each.
fn tree(depth: usize, dropped: &Arc<AtomicUsize>) -> Context {
    if depth == 0 {
        return Context::new();
    }
    let branch = || Link { inner: Some(tree(depth - 1, dropped)), dropped: Arc::clone(dropped) };
    Context::new().with(&LINK, branch()).with(&OTHER_LINK, Arc::new(branch()))
}

#[test]
fn a_tree_of_contexts_is_dropped_whole() {
    const LEVELS: usize = if cfg!(miri) { 6 } else { 14 };
    let dropped = Arc::new(AtomicUsize::new(0));
    drop(tree(LEVELS, &dropped));
    assert_eq!(dropped.load(Ordering::Relaxed), (2 << LEVELS) - 2);
    // At the end of a long chain, where values wait for their turn.
    dropped.store(0, Ordering::Relaxed);
    let mut ctx = tree(10, &dropped);
    for _ in 0..200 {
        ctx = Context::new().with(&LINK, Link { inner: Some(ctx), dropped: Arc::clone(&dropped) });
    }
    drop(ctx);
    assert_eq!(dropped.load(Ordering::Relaxed), (1 << 11) - 2 + 200);
}
