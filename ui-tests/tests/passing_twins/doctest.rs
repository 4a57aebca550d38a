//! The doctests of `cases/doctest`, without the mistake.

use contextvars::context_var;

mod without_main {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    fn main() {
        X.get();
    }

    #[test]
    fn passes() {
        main();
    }
}
