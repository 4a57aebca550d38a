// A default that waits.

use contextvars::context_var;

async fn load() -> i32 {
    1
}

#[context_var(default = load().await)]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
