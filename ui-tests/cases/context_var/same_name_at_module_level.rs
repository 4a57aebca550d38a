// A variable inside a function, where the module has one of the same name.

use contextvars::context_var;

#[context_var(default = 1)]
static X: i32;

fn main() {
    #[context_var(default = 2)]
    static X: i32;
    X.get();
}
