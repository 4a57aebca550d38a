// A variable inside an async block.

use contextvars::context_var;

fn main() {
    let _future = async {
        #[context_var(default = 1)]
        static X: i32;
        X.get()
    };
}
