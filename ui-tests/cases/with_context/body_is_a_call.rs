// A call as the body: it would be called inside and polled outside.

use contextvars::{context_var, with_context};

#[context_var(default = 0)]
static A: i32;
#[context_var(default = 0)]
static B: i32;

async fn fetch() -> i32 {
    A.get()
}

fn main() {
    let _: i32 = A.get() + B.get();
    let _ = with_context!(A = 1, fetch());
}
