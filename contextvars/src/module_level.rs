//! The check that refuses a declaration of `#[context_var]` that is not at module level.
//!
//! The items of a function and of a module have the same tokens, but names are looked up differently in them. The
//! expansion puts a private marker type next to the variable and names it twice: once lexically, and once through
//! `use self::*`, which always means the enclosing *module*. The two names refer to the same type if and only if the
//! variable is an item of that module.

use core::marker::PhantomData;

/// A pair of types, to find out whether they are the same type.
///
/// `Same::<A, A>::YES` is the inherent constant below; for two different types the name falls back to
/// [`NotSame::YES`], because an inherent constant beats a trait's.
#[doc(hidden)]
#[derive(Debug)]
pub struct Same<A: ?Sized, B: ?Sized>(PhantomData<A>, PhantomData<B>);

impl<T: ?Sized> Same<T, T> {
    /// The two types are the same.
    pub const YES: bool = true;
}

/// The answer for two types that differ.
///
/// Implemented for every type, so that an expansion can mark its import of this trait as used.
#[doc(hidden)]
pub trait NotSame {
    /// Overridden by the inherent constant of the same name where the types are the same.
    const YES: bool = false;
}

impl<T: ?Sized> NotSame for T {}

/// Fails the build with `message`, at the caller's place, unless the variable is at module level.
///
/// A doctest needs a `fn main` of its own, or rustdoc wraps all of it in one:
///
/// ```compile_fail
/// use contextvars::context_var;
///
/// #[context_var(default = 1)]
/// static X: i32;
///
/// assert_eq!(X.get(), 1);
/// ```
///
/// ```
/// use contextvars::context_var;
///
/// #[context_var(default = 1)]
/// static X: i32;
///
/// fn main() {
///     assert_eq!(X.get(), 1);
/// }
/// ```
///
/// # Panics
///
/// When `at_module_level` is false. Evaluated by the compiler only.
#[doc(hidden)]
#[track_caller]
pub const fn require_module_level(at_module_level: bool, message: &'static str) {
    assert!(at_module_level, "{}", message);
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Here;
    struct Elsewhere;

    #[test]
    fn a_type_is_the_same_as_itself_only() {
        const { assert!(Same::<Here, Here>::YES) };
        const { assert!(!Same::<Here, Elsewhere>::YES) };
    }
}
