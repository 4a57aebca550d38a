//! Declarations at module level.

use contextvars::context_var;

use super::super::block_on;

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
