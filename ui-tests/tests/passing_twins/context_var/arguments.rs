//! The other arguments.

use contextvars::context_var;

use super::super::block_on;

mod await_in_default {
    use super::{block_on, context_var};

    async fn load() -> i32 {
        std::future::ready(X.get()).await
    }

    #[context_var(default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(block_on(load()), 1);
    }
}

mod crate_is_a_string {
    use super::context_var;

    #[context_var(crate = ::contextvars, default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod crate_not_found {
    use super::context_var;

    mod elsewhere {
        pub(super) use contextvars as found;
    }

    #[context_var(crate = elsewhere::found, default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod crate_without_path {
    use super::context_var;

    #[context_var(crate = contextvars, default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod default_in_parentheses {
    use super::context_var;

    #[context_var(default = (1))]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod default_with_colon {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod default_without_value {
    use super::context_var;

    #[context_var(default)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 0);
    }
}

mod duplicate_argument {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod inherit_not_a_bool {
    use super::context_var;

    #[context_var(inherit = true)]
    static X: i32;

    #[test]
    fn passes() {
        assert!(X.variable().inherits());
    }
}

mod inherit_without_value {
    use super::context_var;

    #[context_var(inherit = false)]
    static X: i32;

    #[test]
    fn passes() {
        assert!(!X.variable().inherits());
    }
}

mod log_not_a_name {
    use super::context_var;

    #[context_var(log = "x", default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod log_reserved_name {
    use super::context_var;

    #[context_var(log = "my_level", default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!((X.get(), X.variable().log_key()), (1, Some("my_level")));
    }
}

mod log_under_a_reserved_name {
    use super::context_var;

    #[expect(non_upper_case_globals, reason = "the name is what this is about")]
    #[context_var(log = "my_level", default = 1)]
    static level: i32;

    #[test]
    fn passes() {
        assert_eq!((level.get(), level.variable().log_key()), (1, Some("my_level")));
    }
}

mod many_mistakes {
    use super::context_var;

    #[context_var(default = 1, inherit = false, redact)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
        assert!(X.variable().is_redacted() && !X.variable().inherits());
    }
}

mod missing_comma {
    use super::context_var;

    #[context_var(default = 1, redact)]
    static X: i32;

    #[test]
    fn passes() {
        assert!(X.variable().is_redacted());
    }
}

mod no_default_to_use {
    use super::context_var;

    #[derive(Default)]
    struct Opaque;

    #[context_var(default)]
    static X: Opaque;

    #[test]
    fn passes() {
        X.with(|Opaque| ());
    }
}

mod positional_default {
    use super::context_var;

    #[context_var(default = 42)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 42);
    }
}

mod redact_not_a_bool {
    use super::context_var;

    #[context_var(redact = true)]
    static X: i32;

    #[test]
    fn passes() {
        assert!(X.variable().is_redacted());
    }
}

mod two_defaults {
    use super::context_var;

    #[context_var]
    static X: i32 = 1;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod unknown_argument {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod unknown_argument_like_none {
    use super::context_var;

    #[context_var(default = 1, inherit = true)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}
