//! `opentelemetry::Context`: a map from types to values, copied as a whole when one is added.

use opentelemetry::Context;

/// The value that is read.
#[derive(Clone, Copy)]
pub(crate) struct Number(pub(crate) i32);

/// Other values: the type is the key.
pub(crate) struct Other<const N: usize>(#[expect(dead_code, reason = "is there to be carried along")] pub(crate) i32);

/// A context with the number and nothing else.
pub(crate) fn context_of_1() -> Context {
    Context::new().with_value(Number(1))
}

/// A context with the number and seven others.
pub(crate) fn context_of_8() -> Context {
    context_of_1()
        .with_value(Other::<1>(1))
        .with_value(Other::<2>(2))
        .with_value(Other::<3>(3))
        .with_value(Other::<4>(4))
        .with_value(Other::<5>(5))
        .with_value(Other::<6>(6))
        .with_value(Other::<7>(7))
}

/// The fastest read there is: the current context is borrowed, not cloned.
#[inline]
pub(crate) fn read() -> Option<i32> {
    Context::map_current(|context| context.get::<Number>().map(|number| number.0))
}
