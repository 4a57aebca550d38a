// A closure as the body, plain and asynchronous.

use contextvars::{context_var, with_context};

#[context_var(default = 0)]
static A: i32;
#[context_var(default = 0)]
static B: i32;

fn main() {
    let _: i32 = A.get() + B.get();
    with_context!(A = 1, || A.get());
    with_context!(A = 1, move || { A.get() });
    let _ = with_context!(A = 1, async || { A.get() });
    let _ = with_context!(A = 1, async move |_: i32| B.get());
}
