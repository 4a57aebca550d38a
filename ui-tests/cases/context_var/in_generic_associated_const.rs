// A variable inside an associated constant of a generic type.

use contextvars::context_var;

struct Table<T>(T);

impl<T> Table<T> {
    const SIZE: usize = {
        #[context_var(default = 1)]
        static X: usize;
        8
    };
}

fn main() {
    let _table = Table([0; Table::<u8>::SIZE]);
}
