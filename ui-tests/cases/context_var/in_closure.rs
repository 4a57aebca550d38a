// A variable inside a closure.

use contextvars::context_var;

fn main() {
    let read = || {
        #[context_var(default = 1)]
        static X: i32;
        X.get()
    };
    read();
}
