//! The calls of `cases/with_context`, without the mistake.

use contextvars::{context_var, with_context};

use super::block_on;

#[context_var(default = 0)]
static A: i32;
#[context_var(default = 0)]
static B: i32;
#[context_var(default = false)]
static FLAG: bool;

async fn fetch() -> i32 {
    A.get()
}

mod angle_form_unclosed {
    use super::{A, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!(<A = 1> { A.get() }), 1);
    }
}

mod angle_form_with_comma_before_body {
    use super::{A, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!(<A = 1> { A.get() },), 1);
    }
}

mod angle_form_with_greater_than {
    use super::{FLAG, with_context};

    #[test]
    fn passes() {
        assert!(!with_context!(<FLAG = (1 > 2)> { FLAG.get() }));
        assert!(!with_context!(FLAG = 1 > 2, { FLAG.get() }));
    }
}

mod angle_form_with_less_than {
    use super::{A, FLAG, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!(<A = i32::from(1 < 2)> { A.get() }), 1);
        assert!(with_context!(<FLAG = (1 < 2)> { FLAG.get() }));
    }
}

mod angle_form_with_not_less {
    use super::{FLAG, with_context};

    #[test]
    fn passes() {
        assert!(!with_context!(<FLAG = (1 >= 2)> { FLAG.get() }));
    }
}

mod angle_form_with_shift {
    use super::{A, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!(<A = (8 >> 2)> { A.get() }), 2);
        assert_eq!(with_context!(A = 8 >> 2, { A.get() }), 2);
    }
}

mod angle_form_without_body {
    use super::{A, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!(<A = 1> { A.get() }), 1);
    }
}

mod angle_form_without_value {
    use super::{A, B, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!(<A = 2, B = 1> { A.get() }), 2);
    }
}

mod await_hidden_in_a_macro {
    use super::{A, block_on, fetch, with_context};

    #[test]
    fn passes() {
        macro_rules! wait_for {
            ($future:expr) => {
                $future.await
            };
        }
        fn spawn<F: Future + Send>(future: F) -> F::Output {
            block_on(future)
        }
        assert_eq!(spawn(async { with_context!(A = 1, async { wait_for!(fetch()) }).await }), 1);
    }
}

mod await_in_sync_body {
    use super::{A, block_on, fetch, with_context};

    #[test]
    fn passes() {
        let future = async { with_context!(A = 1, async { fetch().await }).await };
        assert_eq!(block_on(future), 1);
    }
}

mod awaits_in_sync_body {
    use super::{A, block_on, fetch, with_context};

    #[test]
    fn passes() {
        let future = async {
            let spawned = with_context!(A = 1, { async { fetch().await } });
            spawned.await
        };
        assert_eq!(block_on(future), 0, "made inside, polled outside");
    }
}

mod body_first {
    use super::{A, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!(A = 1, { A.get() }), 1);
    }
}

mod body_is_a_call {
    use super::{A, block_on, fetch, with_context};

    #[test]
    fn passes() {
        assert_eq!(block_on(with_context!(A = 1, async move { fetch().await })), 1);
        assert_eq!(block_on(with_context!(A = 1, { fetch() })), 0, "called inside, polled outside");
    }
}

mod body_is_a_closure {
    use super::{A, with_context};

    #[test]
    fn passes() {
        let read = with_context!(A = 1, { || A.get() });
        assert_eq!(read(), 0, "made inside, called outside");
    }
}

mod body_is_an_await {
    use super::{A, block_on, fetch, with_context};

    #[test]
    fn passes() {
        let future = async { with_context!(A = 1, async move { fetch().await }).await };
        assert_eq!(block_on(future), 1);
    }
}

mod body_is_an_unsafe_block {
    use super::{A, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!(A = 1, { A.get() }), 1);
    }
}

mod bound_twice {
    use super::{A, B, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!(A = 1, B = 2, { with_context!(A = 3, { A.get() }) }), 3);
    }
}

mod colon_for_equals {
    use super::{A, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!(A = 1, { A.get() }), 1);
    }
}

mod double_equals {
    use super::{A, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!(A = i32::from(1 == 1), { A.get() }), 1);
    }
}

mod empty {
    use super::{A, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!({ A.get() }), 0);
    }
}

mod future_not_awaited {
    use super::{A, block_on, with_context};

    #[test]
    fn passes() {
        assert_eq!(block_on(with_context!(A = 1, async { A.get() })), 1);
    }
}

mod local_variable {
    use super::{A, with_context};

    #[test]
    fn passes() {
        let local = 2;
        assert_eq!(with_context!(A = local, { A.get() }), 2);
    }
}

mod missing_equals {
    use super::{A, B, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!(A = 2, B = 1, { A.get() }), 2);
    }
}

mod missing_value {
    use super::{A, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!(A = 1, { A.get() }), 1);
    }
}

mod no_body {
    use super::{A, B, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!(A = 1, B = 2, { A.get() + B.get() }), 3);
    }
}

mod no_body_after_comma {
    use super::{A, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!(A = 1, { A.get() },), 1);
    }
}

mod no_comma_before_body {
    use super::{A, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!(A = 1, { A.get() }), 1);
    }
}

mod not_a_variable {
    use super::with_context;

    #[contextvars::context_var(default = 0)]
    static LIMIT: i32;

    #[test]
    fn passes() {
        assert_eq!(with_context!(LIMIT = 1, { LIMIT.get() }), 1);
    }
}

mod only_a_variable {
    use super::{A, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!(A = 1, { A.get() }), 1);
    }
}

mod target_not_a_path {
    use super::with_context;

    mod settings {
        #[contextvars::context_var(default = 0)]
        pub(super) static VALUE: i32;
    }

    #[test]
    fn passes() {
        assert_eq!(with_context!(settings::VALUE = 1, { settings::VALUE.get() }), 1);
    }
}

mod unknown_variable {
    use super::{A, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!(A = 1, { A.get() }), 1);
    }
}

mod wrong_body_type {
    use super::{A, with_context};

    #[test]
    fn passes() {
        let text: String = with_context!(A = 1, { A.get().to_string() });
        assert_eq!(text, "1");
    }
}

mod wrong_value_type {
    use super::{A, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!(A = 1, { A.get() }), 1);
    }
}

mod wrong_value_type_for_future {
    use super::{A, block_on, with_context};

    #[test]
    fn passes() {
        assert_eq!(block_on(with_context!(A = 1, async { A.get() })), 1);
    }
}

mod wrong_value_type_in_angle_form {
    use super::{A, with_context};

    #[test]
    fn passes() {
        assert_eq!(with_context!(<A = 1> { A.get() }), 1);
    }
}
