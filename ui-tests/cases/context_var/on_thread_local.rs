// `#[context_var]` on a `thread_local!`.

use contextvars::context_var;

#[context_var]
thread_local! {
    static X: i32 = 1;
}

fn main() {
    let _: i32 = X.get();
}
