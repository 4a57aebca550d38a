//! The tests of `cases/test`, without the mistake.

mod on_a_struct {
    #[contextvars::test]
    fn passes() {}
}

mod without_body {
    #[contextvars::test]
    fn passes() {}
}

mod with_arguments {
    #[contextvars::test]
    fn passes() {
        let (a, b) = (1, 2);
        assert_eq!(a + b, b + a);
    }
}

mod rstest_below {
    #[contextvars::test]
    fn passes() {
        let number = 1;
        assert!(number > 0);
    }
}

mod generic {
    fn is_itself<T: Default + PartialEq>() {
        assert!(T::default() == T::default());
    }

    #[contextvars::test]
    fn passes() {
        is_itself::<u32>();
    }
}

mod unsafe_and_extern {
    #[contextvars::test]
    fn passes() {}
}

mod test_twice {
    #[contextvars::test]
    fn passes() {}
}

mod unknown_argument {
    #[contextvars::test(block_on = crate::block_on)]
    async fn passes() {}
}

mod argument_without_name {
    #[contextvars::test(block_on = crate::block_on)]
    async fn passes() {}
}

mod argument_twice {
    #[contextvars::test(block_on = crate::block_on)]
    async fn passes() {}
}

mod runtime_of_a_sync_test {
    #[contextvars::test()]
    fn passes() {}
}

mod unknown_flavor {
    #[contextvars::test(block_on = crate::block_on)]
    async fn passes() {}
}

mod flavor_is_not_a_string {
    #[contextvars::test(block_on = crate::block_on)]
    async fn passes() {}
}

mod threads_of_a_single_one {
    #[contextvars::test(block_on = crate::block_on)]
    async fn passes() {}
}

mod paused_on_many_threads {
    #[contextvars::test(block_on = crate::block_on)]
    async fn passes() {}
}

mod two_runtimes {
    #[contextvars::test(block_on = run)]
    async fn passes() {}

    fn run(test: impl Future<Output = ()>) {
        crate::block_on(test);
    }
}

mod block_on_is_not_a_function {
    #[contextvars::test(block_on = |test| crate::block_on(Box::pin(test)))]
    async fn passes() {}
}

mod crate_is_a_string {
    #[contextvars::test(crate = contextvars)]
    fn passes() {}
}
