//! Every `tokio::spawn` of a runtime inherits, in whatever crate it stands, through the runtime's task hooks.

#[cfg(tokio_unstable)]
mod inheritance;
#[cfg(tokio_unstable)]
mod installed;
#[cfg(tokio_unstable)]
mod module;
#[cfg(tokio_unstable)]
mod slots;

// What `slots.rs` stands on, which its models replace (`tests/loom/hooks.rs`).
#[cfg(tokio_unstable)]
use std::sync;

use ::tokio::runtime::Builder;
#[cfg(tokio_unstable)]
use ::tokio::task::Id;

#[cfg(tokio_unstable)]
pub use self::inheritance::Inheritance;
#[cfg(tokio_unstable)]
use crate::context::Context;

/// Makes every task of a runtime inherit the context of whoever spawns it, with one call on the runtime's builder.
///
/// Tasks then inherit that are spawned by plain `tokio::spawn`, by `Handle::spawn`, `JoinSet` and the like, in any
/// crate of the program, and without `use contextvars::tokio;`. Each has a context of its own, which is entered for
/// every poll, and for the drop when the task is aborted; what it sets stays there.
///
/// This stands on tokio's task hooks, which are unstable. The feature `tokio-hooks` is needed, and in
/// `.cargo/config.toml`:
///
/// ```toml
/// [build]
/// rustflags = ["--cfg", "tokio_unstable"]
/// ```
///
/// Connection pools spawn tasks that outlive the request at hand: what those would inherit stays pinned for as long as
/// the connection lives. So the tasks of connections and pools of a list of crates begin in an empty context: those of
/// hyper-util, and so of reqwest's and tonic's clients, of `tower::buffer`, bb8, deadpool's `PostgreSQL`, diesel-async,
/// sqlx, redis and mongodb. `Inheritance::new` says which of their tasks these are, and `Inheritance` adds to the list,
/// or does without it. What is not on it is started in an empty context by hand: `spawn_detached`, or
/// `Context::new().run(..)`, within [`carry::suppressed`](crate::carry::suppressed) if spans are carried. To give the future a context is not enough, since the hooks do not see it.
///
/// Costs a look into a locked table before a poll and after it, besides what entering a context costs.
///
/// # What hooks cannot reach
/// - `spawn_blocking` runs without a context of its own: use that of [`contextvars::tokio`](crate::tokio), or
///   [`run_blocking`](super::task::run_blocking).
/// - A `LocalSet` does not call hooks: its tasks run in the context of whoever polls the set, unless they are spawned
///   by that of [`contextvars::tokio`](crate::tokio). A `LocalRuntime` does call them.
/// - A future that is still there when its runtime shuts down is dropped without its context.
/// - A runtime has one hook of each kind: see `Inheritance` for how to have others beside these.
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
/// What asyncio does by itself: a task copies the context, in whatever library it is created, and the whole of it.
pub trait InheritContexts: Sized {
    /// Makes every task inherit, but those of connections and pools that [`InheritContexts`] lists.
    ///
    /// Call it once, and after every other hook was installed: it replaces them.
    ///
    /// # Panics
    /// If the builder carries contexts already, unless a runtime that was made of it since is still there.
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

/// Tokio was built with its unstable parts.
///
/// # Examples
///
/// Code that is to compile without them, too, has this in its bounds.
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
