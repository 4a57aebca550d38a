//! Makes every `tokio::spawn` of a runtime inherit, in all crates, through the runtime's task hooks.

#[cfg(tokio_unstable)]
mod inheritance;
#[cfg(tokio_unstable)]
mod installed;
#[cfg(tokio_unstable)]
mod module;
#[cfg(tokio_unstable)]
mod slots;

// The primitives that `slots.rs` uses; its models replace them (`tests/loom/hooks.rs`).
#[cfg(tokio_unstable)]
use std::sync;

use ::tokio::runtime::Builder;
#[cfg(tokio_unstable)]
use ::tokio::task::Id;

#[cfg(tokio_unstable)]
pub use self::inheritance::Inheritance;
#[cfg(tokio_unstable)]
use crate::context::Context;

/// Makes every task of a runtime inherit the context of its spawner, with one call on the runtime's builder.
///
/// Then tasks spawned by plain `tokio::spawn`, by `Handle::spawn`, `JoinSet` and so on inherit, in any crate of the
/// program, without `use contextvars::tokio;`. Each has a context of its own, which is entered for every poll, and for
/// the drop when the task is aborted; the values that the task sets stay there.
///
/// This uses tokio's task hooks, which are unstable. It needs the feature `tokio-hooks`, and in `.cargo/config.toml`:
///
/// ```toml
/// [build]
/// rustflags = ["--cfg", "tokio_unstable"]
/// ```
///
/// Connection pools spawn tasks that outlive the current request: values that they inherited would stay alive as long
/// as the connection. So the tasks of connections and pools of a list of crates begin in an empty context, in which a
/// `set` is refused: those of hyper-util, and so of reqwest's and tonic's clients, of `tower::buffer`, bb8, deadpool's
/// PostgreSQL, diesel-async, sqlx, redis and mongodb. `Inheritance::new` documents which of their tasks these are;
/// with the methods of `Inheritance` you extend the list, or do not use it. Start other such tasks in an empty context
/// yourself, with `spawn_detached` or `Context::new().run(..)`, within [`carry::suppressed`](crate::carry::suppressed)
/// if spans are carried. Giving the future a context is not enough, since the hooks do not see it.
///
/// A server's connection is a task that serves one request after the other. So the tasks of connections of a list of
/// servers inherit, too, but a `set` in a handler is refused, unless a layer or `with_context!` has given the request a
/// context of its own: `Inheritance::server` documents the list, and extends it.
///
/// Costs an access to a locked table before and after each poll, besides entering the context.
///
/// # What hooks cannot reach
/// - `spawn_blocking` runs without a context of its own: use the one of [`contextvars::tokio`](crate::tokio), or
///   [`run_blocking`](super::task::run_blocking).
/// - A `LocalSet` does not call hooks: its tasks run in the context of the task that polls the set, unless they are
///   spawned by the `LocalSet` of [`contextvars::tokio`](crate::tokio). A `LocalRuntime` does call hooks.
/// - A future that has not completed when its runtime shuts down is dropped outside of its context.
/// - A runtime has one hook of each kind: `Inheritance` documents how to set your own.
///
/// # Examples
///
/// ```
/// # #[cfg(tokio_unstable)]
/// # mod with_hooks {
/// use contextvars::tokio::InheritContexts;
/// use contextvars::{context_var, with_context};
///
/// #[context_var(default = 0)]
/// static REQUEST_ID: u64;
///
/// # pub(crate)
/// fn main() -> std::io::Result<()> {
///     let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().inherit_contexts().build()?;
///     let handle = async {
///         // tokio's own `spawn`, as other crates call it.
///         tokio::spawn(async { REQUEST_ID.get() }).await
///     };
///     assert_eq!(runtime.block_on(with_context!(REQUEST_ID = 7, async { handle.await })).unwrap(), 7);
///     Ok(())
/// }
/// # }
/// # #[cfg(tokio_unstable)]
/// # use with_hooks::main;
/// # #[cfg(not(tokio_unstable))]
/// # fn main() {}
/// ```
///
/// # Python
/// asyncio does this by itself: every task copies the whole context, whichever library creates it.
pub trait InheritContexts: Sized {
    /// Makes every task inherit, except those of connections and pools that [`InheritContexts`] lists.
    ///
    /// Call it once, after all other hooks have been set: it replaces them.
    ///
    /// # Panics
    /// If it was called on this builder before, unless a runtime that was built from it since then still exists.
    #[track_caller]
    fn inherit_contexts(&mut self) -> &mut Self
    where
        Self: TokioUnstable,
    {
        TokioUnstable::install_default(self)
    }

    /// Makes every task inherit that `inheritance` does not except; see [`inherit_contexts`](Self::inherit_contexts).
    ///
    /// # Panics
    /// As [`inherit_contexts`](Self::inherit_contexts).
    #[cfg(tokio_unstable)]
    #[track_caller]
    fn inherit_contexts_by(&mut self, inheritance: Inheritance) -> &mut Self
    where
        Self: TokioUnstable,
    {
        TokioUnstable::install(self, inheritance)
    }
}

impl InheritContexts for Builder {}

/// Implemented if tokio was built with its unstable parts.
///
/// # Examples
///
/// Code that must compile without them, too, has this trait in its bounds.
///
/// ```
/// use contextvars::tokio::{InheritContexts, TokioUnstable};
///
/// fn prepared<B: InheritContexts + TokioUnstable>(mut builder: B) -> B {
///     builder.inherit_contexts();
///     builder
/// }
///
/// # #[cfg(tokio_unstable)]
/// # mod with_hooks {
/// # use super::prepared;
/// # use contextvars::with_context;
/// #[contextvars::context_var(default = 0)]
/// static REQUEST_ID: u64;
///
/// # pub(crate)
/// fn main() -> std::io::Result<()> {
///     let runtime = prepared(tokio::runtime::Builder::new_current_thread()).build()?;
///     let handle = with_context!(REQUEST_ID = 7, async { tokio::spawn(async { REQUEST_ID.get() }).await });
///     assert_eq!(runtime.block_on(handle).unwrap(), 7);
///     Ok(())
/// }
/// # }
/// # #[cfg(tokio_unstable)]
/// # use with_hooks::main;
/// # #[cfg(not(tokio_unstable))]
/// # fn main() {}
/// ```
#[diagnostic::on_unimplemented(
    message = "tokio's task hooks are unstable: build with `--cfg tokio_unstable`",
    label = "needs tokio's task hooks",
    note = "write into `.cargo/config.toml`:\n\n[build]\nrustflags = [\"--cfg\", \"tokio_unstable\"]\n"
)]
pub trait TokioUnstable {
    #[doc(hidden)]
    #[track_caller]
    fn install_default(&mut self) -> &mut Self;

    #[doc(hidden)]
    #[cfg(tokio_unstable)]
    #[track_caller]
    fn install(&mut self, inheritance: Inheritance) -> &mut Self;
}

#[cfg(tokio_unstable)]
impl TokioUnstable for Builder {
    #[track_caller]
    fn install_default(&mut self) -> &mut Self {
        self.install(Inheritance::new())
    }

    #[track_caller]
    fn install(&mut self, inheritance: Inheritance) -> &mut Self {
        installed::install(self, inheritance)
    }
}
