// A variable inside a generic function, which would be shared by all instances.

use contextvars::context_var;

fn read<T>(_: T) -> i32 {
    #[context_var(default = 1)]
    static X: i32;
    X.get()
}

fn main() {
    read(());
}
