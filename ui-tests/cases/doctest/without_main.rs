// A doctest without `fn main`: rustdoc puts it into one. Compiled with rustdoc's environment.

use contextvars::context_var;

fn main() {
    #[context_var(default = 1)]
    static X: i32;
    X.get();
}
