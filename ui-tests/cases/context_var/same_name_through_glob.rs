// A variable inside a function, where the module imports one of the same name.

use contextvars::context_var;

#[context_var(default = 1)]
static X: i32;

mod child {
    use super::*;

    pub fn read() -> i32 {
        #[context_var(default = 2)]
        static X: i32;
        X.get()
    }
}

fn main() {
    X.get();
    child::read();
}
