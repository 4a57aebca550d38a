// A misspelt argument.

use contextvars::context_var;

#[context_var(defualt = 1)]
static X: i32;

fn main() {
    let _: i32 = X.get();
}
