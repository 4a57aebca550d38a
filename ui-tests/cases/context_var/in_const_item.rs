// A variable inside an unnamed constant.

use contextvars::context_var;

const _: () = {
    #[context_var(default = 1)]
    static X: i32;
};

fn main() {}
