//! What contexts and their variables take in memory, counted by the allocator.
//!
//! ```text
//! cargo bench -p contextvars-benches --bench memory
//! ```

use std::future::pending;

use contextvars::{Context, with_context};
use contextvars_benches::variables::{A, B, C, D, NUMBER, context_of};
use peak_alloc::PeakAlloc;
use tokio::runtime::Builder;
use tokio::task::yield_now;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const CONTEXTS: i32 = 1_000_000;
const TASKS: i32 = 1_000_000;

fn main() {
    contexts("a context that equals its parent, of 8 variables", Context::clone);
    contexts("a context that differs from its parent in 1 variable of 8", |parent| parent.clone().with(&NUMBER, 2));
    contexts("a context that differs from its parent in 4 variables of 8", |parent| {
        parent.clone().with(&A, 1).with(&B, 2).with(&C, 3).with(&D, 4)
    });
    tasks();
}

/// Measures a million contexts that are alive at the same time.
fn contexts(name: &str, child: impl Fn(&Context) -> Context) {
    let parent = context_of(8);
    let mut contexts = Vec::new();
    let bytes = bytes_per(CONTEXTS, || {
        contexts.reserve_exact(CONTEXTS as usize);
        contexts.extend((0..CONTEXTS).map(|_| child(&parent)));
    });
    assert!(contexts.iter().all(|context| context.len() == 8), "they are all there");
    println!("{bytes:>7.1} bytes: {name}");
}

/// Measures tasks that were polled once and wait, with and without a context of their own.
fn tasks() {
    let waiting = |in_context: bool| {
        let runtime = Builder::new_current_thread().build().expect("a runtime starts");
        let bytes = bytes_per(TASKS, || {
            runtime.block_on(async {
                for number in 0..TASKS {
                    if in_context {
                        with_context!(NUMBER = number, { contextvars::tokio::spawn(pending::<()>()) });
                    } else {
                        tokio::spawn(pending::<()>());
                    }
                }
                yield_now().await;
            });
        });
        drop(runtime);
        bytes
    };
    let (bare, wrapped) = context_of(8).run(|| (waiting(false), waiting(true)));
    println!("{bare:>7.1} bytes: a tokio task that waits, one of a million");
    println!("{wrapped:>7.1} bytes: the same in a context that differs in 1 variable of 8");
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn bytes_per(count: i32, make: impl FnOnce()) -> f64 {
    let before = ALLOCATOR.current_usage();
    make();
    (ALLOCATOR.current_usage() - before) as f64 / f64::from(count)
}
