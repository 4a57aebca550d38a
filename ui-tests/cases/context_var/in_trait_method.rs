// A variable inside a trait's provided method.

use contextvars::context_var;

trait Read {
    fn read(&self) -> i32 {
        #[context_var(default = 1)]
        static X: i32;
        X.get()
    }
}

impl Read for () {}

fn main() {
    ().read();
}
