//! The variables that programs use, once of numbers and once of strings.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Once;

use contextvars::{Context, ContextVar, context_var, with_context};
use futures::future::BoxFuture;

use super::program::{VARIABLES, Var};

/// Gives the variables numbers that are far from one another, so that contexts keep them in different nodes.
pub(crate) fn spread() {
    static SPREAD: Once = Once::new();
    SPREAD.call_once(|| {
        let mut padding = PADDING.iter();
        for (number, text) in numbers::VARIABLES.into_iter().zip(strings::VARIABLES) {
            drop(Context::new().with(number, 0).with(text, String::new()));
            for var in padding.by_ref().take(8) {
                drop(Context::new().with(var, ()));
            }
        }
    });
}

macro_rules! padding {
    ($($name:ident)*) => {
        $(
            #[context_var]
            static $name: ();
        )*
        static PADDING: [&ContextVar<()>; 40] = [$(&$name),*];
    };
}

padding! {
    P00 P01 P02 P03 P04 P05 P06 P07 P08 P09 P10 P11 P12 P13 P14 P15 P16 P17 P18 P19
    P20 P21 P22 P23 P24 P25 P26 P27 P28 P29 P30 P31 P32 P33 P34 P35 P36 P37 P38 P39
}

/// A type of values.
pub(crate) trait Sample: Clone + Debug + PartialEq + Send + Sync + 'static {
    fn from_number(number: i64) -> Self;

    fn variables() -> [&'static ContextVar<Self>; VARIABLES];

    /// `with_context!` of one variable, which must be named.
    fn scope<R>(var: Var, value: Self, body: impl FnOnce() -> R) -> R;

    /// The same for a future.
    fn scope_async<'a, R>(var: Var, value: Self, body: impl Future<Output = R> + Send + 'a) -> BoxFuture<'a, R>;
}

macro_rules! sample {
    ($type:ty, $from:path, [$($plain:ident)*], [$($with_default:ident)*], [$($number:literal $name:ident)*]) => {
        $(
            #[context_var]
            static $plain: $type;
        )*
        $(
            #[context_var(default = $from(default_of(stringify!($with_default))))]
            static $with_default: $type;
        )*

        pub(super) static VARIABLES: [&ContextVar<$type>; super::VARIABLES] = [$(&$name),*];

        impl Sample for $type {
            fn from_number(number: i64) -> Self {
                $from(number)
            }

            fn variables() -> [&'static ContextVar<Self>; super::VARIABLES] {
                VARIABLES
            }

            fn scope<R>(var: Var, value: Self, body: impl FnOnce() -> R) -> R {
                match var {
                    $($number => with_context!($name = value, { body() }),)*
                    _ => unreachable!("there is no such variable"),
                }
            }

            fn scope_async<'a, R>(var: Var, value: Self, body: impl Future<Output = R> + Send + 'a) -> BoxFuture<'a, R> {
                match var {
                    $($number => Box::pin(with_context!($name = value, async move { body.await })),)*
                    _ => unreachable!("there is no such variable"),
                }
            }
        }
    };
}

/// The default of the variable of this name: a hundred times its number.
fn default_of(name: &str) -> i64 {
    let number: i64 = name.trim_start_matches('V').parse().expect("a name is a number after a V");
    100 * number
}

/// Values that are copied bit by bit.
mod numbers {
    use super::*;

    sample!(i64, std::convert::identity, [V0 V1 V2], [V3 V4 V5], [0 V0 1 V1 2 V2 3 V3 4 V4 5 V5]);
}

/// Values that are cloned.
mod strings {
    use super::*;

    fn written(number: i64) -> String {
        number.to_string()
    }

    sample!(String, written, [V0 V1 V2], [V3 V4 V5], [0 V0 1 V1 2 V2 3 V3 4 V4 5 V5]);
}
