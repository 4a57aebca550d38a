// A variable inside an inline const block.

use contextvars::context_var;

fn main() {
    const {
        #[context_var(default = 1)]
        static X: i32;
    }
}
