//! A facade that comes through a glob import and the original are two; what helps, compiles.

#[path = "../../tests/snapshots/mod.rs"]
mod snapshots;

use snapshots::snapshots_apply;

#[test]
fn a_facade_through_a_glob_import_is_ambiguous_and_the_compiler_says_what_to_import() {
    if snapshots_apply() {
        trybuild::TestCases::new().compile_fail("cases/through_a_glob_import.rs");
    }
}

mod with_the_import_repeated {
    use contextvars::{context_var, tokio};

    #[context_var(default = 0)]
    static REQUEST_ID: u64;

    async fn handle() -> u64 {
        tokio::spawn(async { REQUEST_ID.get() }).await.unwrap()
    }

    mod tests {
        use contextvars::{tokio, with_context};

        use super::*;

        #[tokio::test]
        async fn the_facades_name_is_imported_again_beside_the_glob() {
            assert_eq!(with_context!(REQUEST_ID = 7, async { handle().await }).await, 7);
        }
    }
}

mod with_the_import_in_the_function {
    #[contextvars::context_var(default = 0)]
    static REQUEST_ID: u64;

    async fn handle() -> u64 {
        use contextvars::tokio;
        tokio::spawn(async { REQUEST_ID.get() }).await.unwrap()
    }

    mod tests {
        use contextvars::with_context;

        use super::*;

        #[tokio::test]
        async fn the_facades_name_does_not_get_out_of_the_function() {
            assert_eq!(with_context!(REQUEST_ID = 7, async { handle().await }).await, 7);
        }
    }
}

mod with_the_test_of_contextvars {
    use contextvars::{context_var, tokio};

    #[context_var(default = 0)]
    static REQUEST_ID: u64;

    async fn handle() -> u64 {
        tokio::spawn(async { REQUEST_ID.get() }).await.unwrap()
    }

    mod tests {
        use super::*;

        #[contextvars::test]
        async fn the_attribute_names_no_tokio() {
            REQUEST_ID.set(7);
            assert_eq!(handle().await, 7);
        }
    }
}
