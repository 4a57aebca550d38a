//! The type of the value, and of its default.

use contextvars::context_var;

mod missing_type {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod missing_type_of_an_import {
    use super::context_var;

    mod settings {
        use super::context_var;

        #[context_var(default = 1)]
        pub(super) static X: i32;
    }

    use settings::X;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod mistake_in_an_import {
    use super::context_var;

    mod settings {
        use super::context_var;

        #[context_var(default = 1)]
        pub(super) static X: i32;
    }

    use settings::X;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod not_send {
    use super::context_var;

    struct Local(i32);

    struct Holder {
        local: Local,
    }

    #[context_var(default = Holder { local: Local(1) })]
    static X: Holder;

    #[test]
    fn passes() {
        assert_eq!(X.with(|holder| holder.local.0), 1);
    }
}

mod not_sized_slice {
    use super::context_var;

    #[context_var(default = vec![1])]
    static X: Vec<u8>;

    #[test]
    fn passes() {
        assert_eq!(X.get(), [1]);
    }
}

mod not_sized_str {
    use super::context_var;

    #[context_var(default = "x".to_owned())]
    static X: String;

    #[test]
    fn passes() {
        assert_eq!(X.get(), "x");
    }
}

mod not_sized_trait_object {
    use super::context_var;

    trait Service: Send + Sync {
        fn name(&self) -> String;
    }

    impl Service for i32 {
        fn name(&self) -> String {
            self.to_string()
        }
    }

    #[context_var(default = Box::new(1))]
    static X: Box<dyn Service>;

    #[test]
    fn passes() {
        assert_eq!(X.with(|service| service.name()), "1");
    }
}

mod not_static {
    use super::context_var;

    #[context_var(default = "x")]
    static X: &'static str;

    #[test]
    fn passes() {
        assert_eq!(X.get(), "x");
    }
}

mod not_sync {
    use super::context_var;

    struct Shared(i32);

    struct Holder {
        shared: Shared,
    }

    #[context_var(default = Holder { shared: Shared(1) })]
    static X: Holder;

    #[test]
    fn passes() {
        assert_eq!(X.with(|holder| holder.shared.0), 1);
    }
}

mod type_left_to_inference {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod unknown_type {
    use super::context_var;

    struct Missing;

    #[context_var]
    static X: Missing;

    #[test]
    fn passes() {
        assert!(X.try_with(|Missing| ()).is_err());
    }
}

mod wrong_default_type {
    use super::context_var;

    #[context_var(default = "five")]
    static X: &str;

    #[test]
    fn passes() {
        assert_eq!(X.get(), "five");
    }
}

mod wrong_initialiser_type {
    use super::context_var;

    #[context_var]
    static X: &str = "five";

    #[test]
    fn passes() {
        assert_eq!(X.get(), "five");
    }
}
