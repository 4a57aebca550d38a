//! Variables to measure with, and contexts in which a given number of them is set.

use std::sync::{Arc, OnceLock};

use contextvars::{Context, ContextVar, context_var};

/// A small value; the first variable that contexts of [`context_of`] have.
#[context_var(log = "number")]
pub static NUMBER: i32;

/// A value that is dear to clone; the second.
#[context_var(log = "text")]
pub static TEXT: String;

/// A value that clones share; the third.
#[context_var]
pub static SHARED: Arc<str>;

/// The fourth.
#[context_var]
pub static A: i32;
/// The fifth.
#[context_var]
pub static B: i32;
/// The sixth.
#[context_var]
pub static C: i32;
/// The seventh.
#[context_var]
pub static D: i32;

/// Never set: what is read is its default.
#[context_var(default = 42)]
pub static DEFAULTED: i32;

/// Never set, and without a default.
#[context_var]
pub static UNSET: i32;

/// Declares so many variables, and `all()`, which lists them.
macro_rules! declare {
    (16) => { declare! { @variables P Q R S T U V W X Y Z AA BB CC DD EE } };
    (256) => { declare! { @modules 16; a b c d e f g h i j k l m n o p } };
    (4096) => { declare! { @modules 256; a b c d e f g h i j k l m n o p } };
    (@variables $($name:ident)*) => {
        $(#[contextvars::context_var] static $name: i32;)*

        pub(super) fn all() -> Vec<&'static contextvars::ContextVar<i32>> {
            vec![$(&$name),*]
        }
    };
    (@modules $size:tt; $($name:ident)*) => {
        $(mod $name { declare! { $size } })*

        pub(super) fn all() -> Vec<&'static contextvars::ContextVar<i32>> {
            [$($name::all()),*].concat()
        }
    };
}

/// As many as it takes to see how costs grow.
mod many {
    declare! { 4096 }
}

/// A context in which exactly this many variables are set, up to 4,096: the named ones first, in the order of this
/// file.
///
/// The library numbers variables in the order in which they are first set, and keeps 16 neighbours together; so this
/// sets all of them once, in order, before it makes the first context.
///
/// # Panics
/// If there are not so many variables.
#[must_use]
pub fn context_of(count: usize) -> Context {
    static LARGEST: OnceLock<Vec<&'static ContextVar<i32>>> = OnceLock::new();
    let others = LARGEST.get_or_init(|| {
        let mut others = vec![&A, &B, &C, &D];
        others.extend(many::all());
        // Numbers them.
        drop(filled(&others, usize::MAX));
        others
    });
    let context = filled(others, count);
    assert_eq!(context.len(), count, "as many variables as asked for");
    context
}

/// A context in which this variable is set, and so many in all.
///
/// # Panics
/// As [`context_of`] does, and if it is asked for more than one but not for enough to have `var` among them.
#[must_use]
pub fn context_with<T: Send + Sync + 'static>(var: &'static ContextVar<T>, value: T, count: usize) -> Context {
    let others = if count == 1 { context_of(0) } else { context_of(count) };
    let context = others.with(var, value);
    assert_eq!(context.len(), count, "as many variables as asked for");
    context
}

/// As many variables as there are, beside the named ones: 4,096 numbers.
#[must_use]
pub fn numbers() -> Vec<&'static ContextVar<i32>> {
    many::all()
}

/// How to say how many.
#[must_use]
pub fn variables(count: usize) -> String {
    if count == 1 { "1 variable".to_owned() } else { format!("{count} variables") }
}

fn filled(others: &[&'static ContextVar<i32>], count: usize) -> Context {
    let mut context = Context::new();
    if count > 0 {
        context = context.with(&NUMBER, 1);
    }
    if count > 1 {
        context = context.with(&TEXT, "a request's id".to_owned());
    }
    if count > 2 {
        context = context.with(&SHARED, Arc::from("a request's id"));
    }
    for (var, value) in others.iter().zip(0..).take(count.saturating_sub(3)) {
        context = context.with(var, value);
    }
    context
}
