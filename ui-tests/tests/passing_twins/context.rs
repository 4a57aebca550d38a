//! The uses of contexts of `cases/context`, without the mistake.

use contextvars::{Context, context_var, copy_context};

#[context_var(default = 0)]
static A: i32;

mod key_is_not_a_variable {
    use super::{A, copy_context};

    #[test]
    fn passes() {
        assert_eq!(A.name(), "A");
        assert_eq!(copy_context().get(&A), None);
        assert!(!copy_context().contains(&A));
        assert_eq!(copy_context().with(&A, 1)[&A], 1);
    }
}

mod new_with_an_argument {
    use super::{A, Context};

    #[test]
    fn passes() {
        assert!(Context::new().is_empty());
        assert_eq!(Context::new().with(&A, 1).len(), 1);
    }
}

mod read_while_entered {
    use super::{A, Context, copy_context};

    #[test]
    fn passes() {
        let mut ctx = Context::new().with(&A, 1);
        assert_eq!(ctx.run(|| copy_context().get(&A).copied()), Some(1));
    }
}

mod run_from_two_threads {
    use super::{A, Context};

    fn in_two_threads(a: impl FnOnce() -> i32 + Send, b: impl FnOnce() -> i32 + Send) {
        std::thread::scope(|scope| {
            scope.spawn(a);
            scope.spawn(b);
        });
    }

    #[test]
    fn passes() {
        let mut ctx = Context::new();
        let mut copy = ctx.clone();
        in_two_threads(|| ctx.run(|| A.get()), || copy.run(|| A.get()));
    }
}

mod run_inside_run {
    use super::{A, copy_context};

    #[test]
    fn passes() {
        let mut ctx = copy_context();
        ctx.run(|| ());
        assert_eq!(ctx.run(|| copy_context().run(|| A.get())), 0);
    }
}

mod run_on_a_shared_reference {
    use super::{A, Context};

    #[test]
    fn passes() {
        let mut ctx = Context::new();
        assert_eq!(ctx.run(|| A.get()), 0);
    }
}

mod run_without_function {
    use super::Context;

    #[test]
    fn passes() {
        Context::new().run(|| ());
    }
}

mod value_outlives_context {
    use super::{A, Context};

    #[test]
    fn passes() {
        let ctx = Context::new().with(&A, 1);
        let value = ctx.get(&A);
        assert_eq!(value, Some(&1));
    }
}
