//! The arguments `baggage` and `header`.

use contextvars::context_var;

mod baggage_key_not_a_token {
    use super::context_var;

    #[context_var(baggage = "request-id", default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod baggage_of_a_secret {
    use super::context_var;

    #[context_var(redact, default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod baggage_without_key {
    use super::context_var;

    #[context_var(baggage = "x", default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod header_without_name {
    use super::context_var;

    #[context_var(header = "x-name", default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod header_name_not_a_token {
    use super::context_var;

    #[context_var(header = "request-id", default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod header_name_in_upper_case {
    use super::context_var;

    #[context_var(header = "x-request-id", default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod header_name_empty {
    use super::context_var;

    #[context_var(header = "x", default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod header_of_a_connection {
    use super::context_var;

    #[context_var(header = "x-transfer-encoding", default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod header_of_a_message {
    use super::context_var;

    #[context_var(header = "x-content-type", default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod header_with_credentials {
    use super::context_var;

    #[context_var(header = "x-authorization", default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod header_that_is_baggage {
    use super::context_var;

    #[context_var(baggage = "x", default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod header_of_a_secret {
    use super::context_var;

    #[context_var(redact, default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod baggage_of_a_type_that_cannot_be_written {
    use std::fmt;
    use std::str::FromStr;

    use super::context_var;

    struct Opaque;

    impl FromStr for Opaque {
        type Err = std::convert::Infallible;

        fn from_str(_: &str) -> Result<Self, Self::Err> {
            Ok(Self)
        }
    }

    impl fmt::Display for Opaque {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("opaque")
        }
    }

    #[context_var(baggage = "opaque")]
    static X: Opaque;

    #[test]
    fn passes() {
        assert!(!X.is_set());
    }
}

mod baggage_of_an_option_of_a_type_that_cannot_be_read {
    use std::fmt;
    use std::str::FromStr;

    use super::context_var;

    struct Opaque;

    impl fmt::Display for Opaque {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("opaque")
        }
    }

    impl FromStr for Opaque {
        type Err = std::convert::Infallible;

        fn from_str(_: &str) -> Result<Self, Self::Err> {
            Ok(Self)
        }
    }

    #[context_var(baggage = "opaque")]
    static X: Option<Opaque>;

    #[test]
    fn passes() {
        assert!(!X.is_set());
    }
}
