// A variable inside a plain block.

use contextvars::context_var;

fn main() {
    {
        #[context_var(default = 1)]
        static X: i32;
        X.get();
    }
}
