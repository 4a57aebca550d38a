//! The declarations of `cases/context_var`, without the mistake.

use contextvars::context_var;

use super::block_on;

mod attribute_twice {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

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

mod generic_static {
    use super::context_var;

    #[context_var(default)]
    static X: Option<i32>;

    #[test]
    fn passes() {
        assert_eq!(X.get(), None);
    }
}

mod in_async_block {
    use super::{block_on, context_var};

    #[context_var(default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        let future = async { X.get() };
        assert_eq!(block_on(future), 1);
    }
}

mod in_block {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        {
            assert_eq!(X.get(), 1);
        }
    }
}

mod in_closure {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        let read = || X.get();
        assert_eq!(read(), 1);
    }
}

mod in_const_block {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        const {
            let _ = &X;
        }
        assert_eq!(X.get(), 1);
    }
}

mod in_const_item {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    const _: () = {
        let _ = &X;
    };

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod in_function {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod in_generic_function {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    fn read<T>(_: T) -> i32 {
        X.get()
    }

    #[test]
    fn passes() {
        assert_eq!(read(()), 1);
    }
}

mod in_method {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    struct Server {
        port: i32,
    }

    impl Server {
        fn read(&self) -> i32 {
            X.get() + self.port
        }
    }

    #[test]
    fn passes() {
        assert_eq!(Server { port: 8 }.read(), 9);
    }
}

mod in_trait_method {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    trait Read {
        fn read(&self) -> i32 {
            X.get()
        }
    }

    impl Read for () {}

    #[test]
    fn passes() {
        assert_eq!(().read(), 1);
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

mod name_assigned {
    use super::context_var;

    #[context_var(default = 0)]
    static VAR: i32;

    #[test]
    fn passes() {
        assert_eq!(VAR.name(), "VAR");
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

mod on_const {
    use super::context_var;

    #[context_var]
    static X: i32 = 1;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod on_function {
    use super::context_var;

    #[context_var(default = x())]
    static X: i32;

    fn x() -> i32 {
        1
    }

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
    }
}

mod on_let {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        let x: i32 = X.get();
        assert_eq!(x, 1);
    }
}

mod on_struct {
    use super::context_var;

    #[derive(Clone)]
    struct Settings {
        value: i32,
    }

    #[context_var(default = Settings { value: 1 })]
    static X: Settings;

    #[test]
    fn passes() {
        assert_eq!(X.get().value, 1);
    }
}

mod on_thread_local {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
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

mod same_name_at_module_level {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    mod child {
        use super::context_var;

        #[context_var(default = 2)]
        pub(super) static X: i32;
    }

    #[test]
    fn passes() {
        assert_eq!((X.get(), child::X.get()), (1, 2));
    }
}

mod same_name_through_glob {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    mod child {
        use super::*;

        #[context_var(default = 2)]
        static X: i32;

        pub(super) fn read() -> i32 {
            X.get()
        }
    }

    #[test]
    fn passes() {
        assert_eq!((X.get(), child::read()), (1, 2));
    }
}

mod static_mut {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        let token = X.set(2);
        assert_eq!(X.get(), 2);
        X.reset(token).unwrap();
    }
}

mod through_macro_in_function {
    use super::context_var;

    macro_rules! declare {
        ($name:ident: $ty:ty = $value:expr) => {
            #[context_var(default = $value)]
            static $name: $ty;
        };
    }

    declare!(X: i32 = 1);

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
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

mod type_left_to_inference {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

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

mod unsafe_static {
    use super::context_var;

    #[context_var(default = 1)]
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

mod made_by_a_call {
    use super::context_var;

    #[context_var]
    static REQUEST_ID: u64;

    #[test]
    fn passes() {
        contextvars::Context::new().run(|| {
            REQUEST_ID.set(7);
            assert_eq!(REQUEST_ID.get(), 7);
        });
    }
}

mod in_generic_associated_const {
    use super::context_var;

    struct Table<T>([T; 8]);

    impl<T> Table<T> {
        const SIZE: usize = 8;
    }

    #[context_var(default = 1)]
    static X: usize;

    #[test]
    fn passes() {
        let table = Table([0_u8; Table::<u8>::SIZE]);
        assert_eq!((table.0.len(), X.get()), (8, 1));
    }
}
