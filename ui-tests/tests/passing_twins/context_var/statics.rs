//! The item below the attribute.

use contextvars::context_var;

mod attribute_twice {
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

mod name_assigned {
    use super::context_var;

    #[context_var(default = 0)]
    static VAR: i32;

    #[test]
    fn passes() {
        assert_eq!(VAR.name(), "VAR");
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

mod unsafe_static {
    use super::context_var;

    #[context_var(default = 1)]
    static X: i32;

    #[test]
    fn passes() {
        assert_eq!(X.get(), 1);
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
