// `.await` in a block, hidden by a macro: the future is not `Send`.

use contextvars::{context_var, with_context};

#[context_var(default = 0)]
static A: i32;
#[context_var(default = 0)]
static B: i32;

async fn fetch() -> i32 {
    A.get()
}

macro_rules! wait_for {
    ($future:expr) => {
        $future.await
    };
}

fn spawn<F: Future + Send>(_: F) {}

fn main() {
    let _: i32 = A.get() + B.get();
    spawn(async {
        with_context!(A = 1, { wait_for!(fetch()) })
    });
}
