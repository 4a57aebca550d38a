// No type, and a use of the variable elsewhere, which is not reported.

use contextvars::context_var;

mod settings {
    use super::context_var;

    #[context_var]
    pub static X: ;
}

fn main() {
    use settings::X;
    let _: i32 = X.get();
}
