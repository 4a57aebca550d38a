// A mistake, and a use of the variable elsewhere, which is not reported.

use contextvars::context_var;

mod settings {
    use super::context_var;

    #[context_var(default = 1, scope)]
    pub static X: i32;
}

fn main() {
    use settings::X;
    let _: i32 = X.get();
}
