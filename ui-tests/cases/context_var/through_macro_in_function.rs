// A variable that a macro declares inside a function.

use contextvars::context_var;

macro_rules! declare {
    ($name:ident: $ty:ty = $value:expr) => {
        #[context_var(default = $value)]
        static $name: $ty;
    };
}

fn main() {
    declare!(X: i32 = 1);
    X.get();
}
