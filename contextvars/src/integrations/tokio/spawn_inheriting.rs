//! `spawn_inheriting` and similar methods for tokio's own types, whose `spawn` cannot be replaced.

use std::future::Future;

use ::tokio::runtime::{Handle, LocalRuntime, Runtime};
use ::tokio::task::JoinHandle;

use crate::context::inherit_context;
use crate::task::inheriting;

/// Spawns on a given runtime, with the context of the caller.
///
/// [`Runtime`] and [`Handle`] are tokio's own types, so their `spawn` does not inherit. These methods do; their names
/// do not clash with it.
///
/// # Examples
///
/// ```
/// use contextvars::tokio::runtime::Handle;
/// use contextvars::tokio::{self, SpawnInheriting};
///
/// #[contextvars::context_var]
/// static TENANT: u32;
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() {
///     TENANT.set(1);
///     let handle = Handle::current();
///     assert_eq!(handle.spawn_inheriting(async { TENANT.get() }).await.unwrap(), 1);
///     assert_eq!(handle.spawn_blocking_inheriting(|| TENANT.get()).await.unwrap(), 1);
/// }
/// ```
///
/// # Python
/// `asyncio.run_coroutine_threadsafe(coro, loop)`, which copies the caller's whole context.
pub trait SpawnInheriting: sealed::Sealed {
    /// Spawns a task that inherits the context.
    #[track_caller]
    fn spawn_inheriting<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.runtime_handle().spawn(inheriting(future))
    }

    /// Runs a blocking function that inherits the context on the blocking pool.
    #[track_caller]
    fn spawn_blocking_inheriting<F, R>(&self, f: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.runtime_handle().spawn_blocking(inherit_context().wrap_once(f))
    }
}

impl SpawnInheriting for Handle {}
impl SpawnInheriting for Runtime {}
impl SpawnInheriting for LocalRuntime {}

/// Spawns `!Send` tasks on a given [`LocalRuntime`], with the context of the caller.
///
/// The facade's [`LocalSet`](super::task::LocalSet) does not need this trait: its `spawn_local` inherits.
///
/// # Examples
///
/// ```
/// use contextvars::tokio::SpawnLocalInheriting;
/// use contextvars::tokio::runtime::LocalRuntime;
///
/// #[contextvars::context_var]
/// static TENANT: u32;
///
/// # fn main() -> std::io::Result<()> {
/// let runtime = LocalRuntime::new()?;
/// TENANT.set(1);
/// let task = runtime.spawn_local_inheriting(async { TENANT.get() });
/// assert_eq!(runtime.block_on(task).unwrap(), 1);
/// # Ok(())
/// # }
/// ```
pub trait SpawnLocalInheriting: SpawnInheriting {
    /// Spawns a `!Send` task that inherits the context.
    #[track_caller]
    fn spawn_local_inheriting<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static;
}

impl SpawnLocalInheriting for LocalRuntime {
    #[track_caller]
    fn spawn_local_inheriting<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.spawn_local(inheriting(future))
    }
}

mod sealed {
    //! Restricts the traits to tokio's types, and returns the handle of their runtime.

    use super::{Handle, LocalRuntime, Runtime};

    pub trait Sealed {
        fn runtime_handle(&self) -> &Handle;
    }

    impl Sealed for Handle {
        fn runtime_handle(&self) -> &Handle {
            self
        }
    }

    impl Sealed for Runtime {
        fn runtime_handle(&self) -> &Handle {
            self.handle()
        }
    }

    impl Sealed for LocalRuntime {
        fn runtime_handle(&self) -> &Handle {
            self.handle()
        }
    }
}
