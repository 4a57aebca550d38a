// A guard in a task that moves from thread to thread.

use std::future::ready;

use contextvars::context_var;

#[context_var(default = 0)]
static A: i32;

fn spawn(_: impl Future + Send + 'static) {}

fn main() {
    spawn(async {
        let guard = A.set_scoped(1);
        ready(()).await;
        drop(guard);
    });
}
