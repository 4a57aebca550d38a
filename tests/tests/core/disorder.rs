//! Scopes that end in the wrong order and contexts used at random: what is being read stays as it is.

use contextvars::{Context, Token, context_var, copy_context, with_context};

use crate::support::{caught, forget, on_a_thread, poll, yielding};

#[context_var]
static NAME: String;

/// An `.await` that `with_context!` cannot see.
macro_rules! hidden_await {
    ($future:expr) => {
        $future.await
    };
}

#[expect(clippy::await_holding_invalid_type, reason = "the mistake makes scopes end out of order")]
async fn suspended_scope(name: String) -> String {
    with_context!(NAME = name, {
        hidden_await!(yielding());
        NAME.get()
    })
}

#[test]
fn a_reader_survives_the_end_of_the_scope_it_reads_in() {
    on_a_thread(|| {
        let mut future = Box::pin(suspended_scope("of the scope".to_owned()));
        assert!(poll(future.as_mut()).is_pending());
        // By mistake the scope is still there.
        NAME.with(|name| {
            drop(future);
            assert!(!NAME.is_set());
            drop(NAME.set("another".to_owned()));
            assert_eq!(name, "of the scope");
        });
        assert_eq!(NAME.get(), "another");
    });
}

#[test]
fn scopes_that_end_in_any_order_free_what_they_hold_and_nothing_else() {
    on_a_thread(|| {
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let base = NAME.set("base".to_owned());
            let mut futures: Vec<_> = (0..3).map(|n| Some(Box::pin(suspended_scope(format!("scope {n}"))))).collect();
            for future in futures.iter_mut().flatten() {
                assert!(poll(future.as_mut()).is_pending());
            }
            for index in order {
                NAME.with(|name| {
                    let before = name.clone();
                    // May panic, and says so elsewhere; it must not touch what is being read.
                    let _ = caught(|| drop(futures[index].take()));
                    assert_eq!(*name, before);
                });
            }
            assert_eq!(NAME.get(), "base");
            NAME.reset(base).unwrap();
        }
    });
}

/// A small generator of numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Does random things to the current context, many of them within readers, each of which sees its value unchanged.
fn wander(numbers: &mut Numbers, tokens: &mut Vec<Token<String>>, contexts: &mut Vec<Context>, depth: u32) {
    for _ in 0..=numbers.below(6) {
        let text = format!("{:?}", numbers.below(1_000_000));
        match if depth == 0 { numbers.below(7) } else { numbers.below(14) } {
            0 => tokens.push(NAME.set(text)),
            1 => drop(NAME.set(text)),
            2 if !tokens.is_empty() => {
                let index = usize::try_from(numbers.below(tokens.len() as u64)).unwrap();
                if let Err(error) = NAME.reset(tokens.swap_remove(index)) {
                    tokens.push(error.into_token());
                }
            }
            3 => tokens.truncate(tokens.len() / 2),
            4 => contexts.push(copy_context()),
            5 => contexts.truncate(contexts.len() / 2),
            6 => forget(NAME.set_scoped(text)),
            7 => {
                let mut ctx = contexts.pop().unwrap_or_default();
                ctx.run(|| wander(numbers, tokens, contexts, depth - 1));
                contexts.push(ctx);
            }
            8 => with_context!(NAME = text, { wander(numbers, tokens, contexts, depth - 1) }),
            9 => {
                let guard = NAME.set_scoped(text);
                copy_context().run(|| wander(numbers, tokens, contexts, depth - 1));
                drop(guard);
            }
            2 => {}
            _ => {
                let is_set = NAME.is_set();
                let read = NAME.try_with(|name| {
                    let before = name.clone();
                    wander(numbers, tokens, contexts, depth - 1);
                    assert_eq!(*name, before);
                });
                assert_eq!(read.is_ok(), is_set);
            }
        }
    }
}

#[test]
fn readers_keep_their_values_whatever_happens_around_them() {
    on_a_thread(|| {
        for seed in 0..if cfg!(miri) { 5 } else { 1000 } {
            let (mut tokens, mut contexts) = (Vec::new(), Vec::new());
            let mut ctx = Context::new().with(&NAME, "start".to_owned());
            ctx.run(|| wander(&mut Numbers(seed), &mut tokens, &mut contexts, 7));
        }
    });
}
