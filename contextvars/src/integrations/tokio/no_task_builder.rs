//! Placeholders for tokio's named tasks without the feature `tokio-tracing`: their use is a compile error.
//!
//! tokio has named tasks as soon as any crate of the program enables its feature `tracing`. Without placeholders of the
//! same names, the facade would export tokio's own, whose tasks do not inherit.

use std::convert::Infallible;
use std::marker::PhantomData;

/// Tasks with names, which need the feature `tokio-tracing`; see the message of the compiler.
///
/// # Examples
///
/// ```compile_fail,E0277
/// contextvars::tokio::task::Builder::new();
/// ```
///
/// ```compile_fail,E0277
/// contextvars::tokio::task::JoinSet::<()>::new().build_task();
/// ```
#[derive(Debug)]
pub enum Builder<'a> {
    #[doc(hidden)]
    Never(Infallible, PhantomData<&'a str>),
}

#[expect(clippy::new_without_default, reason = "there is no such builder")]
impl Builder<'_> {
    /// Refused: tasks with names need the feature `tokio-tracing`.
    #[expect(clippy::must_use_candidate, reason = "it cannot be called")]
    pub fn new() -> Self
    where
        Self: NamedTasks,
    {
        Self::refused()
    }
}

/// Tasks with names in a `JoinSet`, which need the feature `tokio-tracing`.
#[derive(Debug)]
pub enum MemberBuilder<'a, T> {
    #[doc(hidden)]
    Never(Infallible, PhantomData<&'a mut T>),
}

/// Implemented for no type, since the feature `tokio-tracing` is off.
#[diagnostic::on_unimplemented(
    message = "tasks with names need the feature `tokio-tracing` of `contextvars`",
    label = "without it, this task would not inherit the context variables",
    note = "add `tokio-tracing` to the features of `contextvars` in `Cargo.toml`"
)]
pub trait NamedTasks {
    #[doc(hidden)]
    fn refused() -> !;
}
