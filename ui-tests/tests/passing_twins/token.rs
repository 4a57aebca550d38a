//! The uses of tokens and guards of `cases/token`, without the mistake.

use std::future::ready;

use contextvars::{SetGuard, Token, context_var};

#[context_var(default = 0)]
static A: i32;
#[context_var(default = "")]
static NAME: &str;

mod copied {
    use super::A;

    #[test]
    fn passes() {
        let token = A.set(1);
        let copy = token.old_value().copied();
        A.reset(token).unwrap();
        assert_eq!(copy, None);
    }
}

mod guard_dropped_at_once {
    use super::A;

    #[test]
    fn passes() {
        let _guard = A.set_scoped(1);
        assert_eq!(A.get(), 1);
    }
}

mod guard_reset_by_hand {
    use super::A;

    #[test]
    fn passes() {
        let guard = A.set_scoped(1);
        drop(guard);
        assert!(!A.is_set());
    }
}

mod guard_sent_to_another_thread {
    use super::{A, ready};

    fn spawn(_: impl Future + Send + 'static) {}

    #[test]
    fn passes() {
        spawn(async {
            let guard = A.set_scoped(1);
            drop(guard);
            ready(()).await;
            let token = A.set(1);
            ready(()).await;
            drop(token);
        });
    }
}

mod of_another_type {
    use super::NAME;

    #[test]
    fn passes() {
        let token = NAME.set("x");
        NAME.reset(token).unwrap();
    }
}

mod used_twice {
    use super::A;

    #[test]
    fn passes() {
        let token = A.set(1);
        A.reset(token).unwrap();
        let token = A.set(1);
        A.reset(token).unwrap();
    }
}

/// Has one implementation for what cannot be sent, and two, hence an ambiguous `check`, for what can.
trait NotSend<Which> {
    fn check() {}
}

impl<T> NotSend<()> for T {}

impl<T: Send> NotSend<u8> for T {}

#[test]
fn a_token_moves_between_threads_and_a_guard_does_not() {
    fn sendable<T: Send>() {}
    sendable::<Token<i32>>();
    <SetGuard<i32> as NotSend<_>>::check();
}
