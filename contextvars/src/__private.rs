//! Items for the expansions of macros. Not public API: exempt from semantic versioning.

use crate::context::Context;
use crate::state::Scope;
use crate::task::InContext;

pub use contextvars_macros::__with_context;
pub use inventory;

pub use crate::module_level::*;
pub use crate::propagation::{PropagatedEntry, PropagatedVar, Text};
pub use crate::state::{Absent, Bound, ContextVar, DeclaredByTheMacro, Probe, Traits};
pub use crate::variable::{Registration, Variable};

/// A declaration.
#[must_use]
pub const fn declare<T: Send + Sync + 'static>(
    variable: Variable,
    default: Option<fn() -> T>,
    traits: Traits<T>,
) -> ContextVar<T> {
    ContextVar::declared(variable, default, traits)
}

/// The expansion of a declaration with mistakes, so that uses of the variable do not report further errors.
#[must_use]
pub const fn undeclared<T: Send + Sync + 'static>() -> ContextVar<T> {
    let variable = Variable::declared("?", "?", "?", 0, 0);
    ContextVar::declared(variable, None, Traits::NONE)
}

/// A variable with the value that `with_context!` gives it.
///
/// A struct, so that the compiler reports a value of the wrong type at its place, and not as an argument of an internal
/// function.
pub struct Binding<T: 'static> {
    pub var: &'static ContextVar<T>,
    pub value: T,
}

impl<T: Send + Sync + 'static> Binding<T> {
    /// The binding without its type.
    #[inline]
    pub fn bound(self) -> Bound {
        Bound::new(self.var, self.value)
    }
}

/// Enters a copy of the current context with these bindings, until the scope is dropped.
#[inline]
#[track_caller]
pub fn enter<const N: usize>(bindings: [Bound; N]) -> Scope<N> {
    Scope::new(bindings)
}

/// Runs a future in a context.
#[inline]
pub fn in_context<F: Future>(context: Context, future: F) -> InContext<F> {
    InContext::with_own(future, context)
}

/// Runs a test in a fresh context.
pub fn run_test<R>(test: impl FnOnce() -> R) -> R {
    Context::new().run(test)
}

/// Gives an async test a fresh context.
#[inline]
pub fn async_test<F: Future>(test: F) -> InContext<F> {
    InContext::with_own(test, Context::new())
}

#[cfg(feature = "tokio")]
pub mod tokio {
    //! Runs async tests on tokio.

    pub use crate::integrations::tokio::test_runtime::{Builder, run_async_test, run_local_test};
}

/// Fails to compile where nothing is there to run an async test on.
#[doc(hidden)]
#[macro_export]
#[cfg(feature = "tokio")]
macro_rules! __async_test_has_a_runtime {
    () => {};
}

/// Fails to compile where nothing is there to run an async test on.
#[doc(hidden)]
#[macro_export]
#[cfg(not(feature = "tokio"))]
macro_rules! __async_test_has_a_runtime {
    () => {
        ::core::compile_error! {
            "an async test needs a runtime: enable the feature `tokio` of `contextvars`, or write \
`#[contextvars::test(block_on = path::to::block_on)]`"
        }
    };
}

pub use crate::__async_test_has_a_runtime as async_test_has_a_runtime;
