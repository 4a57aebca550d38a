// A context entered by two threads at once.

use contextvars::{Context, context_var};

#[context_var(default = 0)]
static A: i32;

fn in_two_threads(a: impl FnOnce() -> i32 + Send, b: impl FnOnce() -> i32 + Send) {
    std::thread::scope(|scope| {
        scope.spawn(a);
        scope.spawn(b);
    });
}

fn main() {
    let mut ctx = Context::new();
    in_two_threads(|| ctx.run(|| A.get()), || ctx.run(|| A.get()));
}
