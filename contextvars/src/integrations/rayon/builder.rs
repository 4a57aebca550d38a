//! [`ThreadPoolBuilder`]: rayon's builder, for pools whose jobs inherit the context.

use std::any::Any;
use std::{fmt, io, thread};

use ::rayon::{ThreadBuilder, ThreadPoolBuildError};

use super::pool::ThreadPool;

/// A [`rayon::ThreadPoolBuilder`](::rayon::ThreadPoolBuilder) that builds a [`ThreadPool`] of this module.
///
/// # Examples
///
/// The threads of the pool begin in an empty context, also when the pool is built within one; its jobs inherit the
/// context of their spawner.
///
/// ```
/// # use contextvars::{context_var, rayon, with_context};
/// #[context_var(default = 0)]
/// static REQUEST_ID: u64;
///
/// # fn main() -> Result<(), rayon::ThreadPoolBuildError> {
/// let (sender, receiver) = std::sync::mpsc::channel();
/// let at_start = move |_| sender.send(REQUEST_ID.get()).unwrap();
/// REQUEST_ID.set(1);
/// let pool = rayon::ThreadPoolBuilder::new().num_threads(1).start_handler(at_start).build()?;
/// assert_eq!(receiver.recv(), Ok(0));
/// assert_eq!(with_context!(REQUEST_ID = 2, { pool.install(|| REQUEST_ID.get()) }), 2);
///
/// // From a pool that rayon built:
/// let pool = rayon::ThreadPool::from(::rayon::ThreadPoolBuilder::new().num_threads(1).build()?);
/// assert_eq!(with_context!(REQUEST_ID = 3, { pool.install(|| REQUEST_ID.get()) }), 3);
/// # Ok(())
/// # }
/// ```
pub struct ThreadPoolBuilder<S = DefaultSpawn> {
    inner: ::rayon::ThreadPoolBuilder,
    spawn: S,
}

/// The type of a [`ThreadPoolBuilder`] whose threads rayon starts.
#[derive(Debug, Default)]
pub struct DefaultSpawn(());

/// The type of a [`ThreadPoolBuilder`] whose threads are started by the function given to
/// [`spawn_handler`](ThreadPoolBuilder::spawn_handler).
pub struct CustomSpawn<F>(F);

/// How the threads of a pool are started: [`DefaultSpawn`] or [`CustomSpawn`].
pub trait ThreadSpawn: sealed::Sealed {}

impl<S: sealed::Sealed> ThreadSpawn for S {}

mod sealed {
    //! The operations of a builder that depend on how its threads are started.

    use std::io;

    use ::rayon::{ThreadBuilder, ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

    use super::{CustomSpawn, DefaultSpawn};

    pub trait Sealed {
        fn build(self, builder: ThreadPoolBuilder) -> Result<ThreadPool, ThreadPoolBuildError>;
        fn build_global(self, builder: ThreadPoolBuilder) -> Result<(), ThreadPoolBuildError>;
    }

    impl Sealed for DefaultSpawn {
        fn build(self, builder: ThreadPoolBuilder) -> Result<ThreadPool, ThreadPoolBuildError> {
            builder.build()
        }

        fn build_global(self, builder: ThreadPoolBuilder) -> Result<(), ThreadPoolBuildError> {
            builder.build_global()
        }
    }

    impl<F: FnMut(ThreadBuilder) -> io::Result<()>> Sealed for CustomSpawn<F> {
        fn build(self, builder: ThreadPoolBuilder) -> Result<ThreadPool, ThreadPoolBuildError> {
            builder.spawn_handler(self.0).build()
        }

        fn build_global(self, builder: ThreadPoolBuilder) -> Result<(), ThreadPoolBuildError> {
            builder.spawn_handler(self.0).build_global()
        }
    }
}

impl ThreadPoolBuilder {
    /// Creates a builder with rayon's defaults.
    #[expect(clippy::must_use_candidate, reason = "rayon's is not")]
    pub fn new() -> Self {
        Self::default()
    }

    /// Builds a pool whose threads may borrow, calls `with_pool` with it, and returns when all threads of the pool have
    /// ended.
    ///
    /// `wrapper` is called on each thread, in an empty context, and must call [`ThreadBuilder::run`].
    ///
    /// # Errors
    /// As [`rayon::ThreadPoolBuilder::build_scoped`](::rayon::ThreadPoolBuilder::build_scoped).
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{context_var, rayon};
    /// #[context_var]
    /// static TENANT: u32;
    ///
    /// # fn main() -> Result<(), rayon::ThreadPoolBuildError> {
    /// TENANT.set(1);
    /// let names = std::sync::Mutex::new(Vec::new());
    /// let seen = rayon::ThreadPoolBuilder::new().num_threads(1).thread_name(|n| format!("worker {n}")).build_scoped(
    ///     |thread| {
    ///         names.lock().unwrap().push(thread.name().unwrap().to_owned());
    ///         thread.run();
    ///     },
    ///     |pool| pool.install(|| TENANT.get()),
    /// )?;
    /// assert_eq!((seen, names.into_inner().unwrap()), (1, vec!["worker 0".to_owned()]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn build_scoped<W, F, R>(self, wrapper: W, with_pool: F) -> Result<R, ThreadPoolBuildError>
    where
        W: Fn(ThreadBuilder) + Sync,
        F: FnOnce(&ThreadPool) -> R,
    {
        let wrapper = &wrapper;
        thread::scope(|scope| {
            let start = |worker: ThreadBuilder| {
                let mut thread = thread::Builder::new();
                if let Some(name) = worker.name() {
                    thread = thread.name(name.to_owned());
                }
                if let Some(bytes) = worker.stack_size() {
                    thread = thread.stack_size(bytes);
                }
                thread.spawn_scoped(scope, move || wrapper(worker)).map(drop)
            };
            let pool = self.spawn_handler(start).build()?;
            Ok(with_pool(&pool))
        })
    }
}

/// Defines the settings, which call those of the same name in rayon.
macro_rules! settings {
    ($($(#[$doc:meta])* fn $name:ident $(<$F:ident>)? ($($argument:ident: $type:ty)?) $(where { $($bounds:tt)+ })?;)+) => { $(
        $(#[$doc])*
        #[expect(clippy::return_self_not_must_use, reason = "rayon's is not")]
        pub fn $name $(<$F>)? (self $(, $argument: $type)?) -> Self $(where $($bounds)+)? {
            Self { inner: self.inner.$name($($argument)?), ..self }
        }
    )+ };
}

impl<S> ThreadPoolBuilder<S> {
    settings! {
        /// Sets the number of threads; 0, the default, means one for each core.
        fn num_threads(threads: usize);
        /// Sets the name of each thread, by its index.
        fn thread_name<F>(name: F) where { F: FnMut(usize) -> String + 'static };
        /// Sets the size of each thread's stack, in bytes.
        fn stack_size(bytes: usize);
        /// Makes the thread that builds the pool one of its threads.
        fn use_current_thread();
        /// Sets the function that is called with the panic of a spawned job, instead of aborting the process.
        fn panic_handler<F>(handler: F) where { F: Fn(Box<dyn Any + Send>) + Send + Sync + 'static };
        /// Sets the function that each thread calls at its start.
        fn start_handler<F>(handler: F) where { F: Fn(usize) + Send + Sync + 'static };
        /// Sets the function that each thread calls at its end.
        fn exit_handler<F>(handler: F) where { F: Fn(usize) + Send + Sync + 'static };
    }

    /// Makes each thread take the oldest of its own jobs instead of the newest.
    #[deprecated(note = "use `scope_fifo` and `spawn_fifo` for similar effect")]
    #[expect(clippy::return_self_not_must_use, reason = "rayon's is not")]
    pub fn breadth_first(self) -> Self {
        #[expect(deprecated, reason = "it is here, too")]
        Self { inner: self.inner.breadth_first(), ..self }
    }

    /// Sets the function that starts the threads: it is called once for each, and the thread that it starts must call
    /// [`ThreadBuilder::run`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use contextvars::{context_var, rayon};
    /// #[context_var]
    /// static TENANT: u32;
    ///
    /// # fn main() -> Result<(), rayon::ThreadPoolBuildError> {
    /// let start = |worker: rayon::ThreadBuilder| {
    ///     std::thread::Builder::new().name("of our own".to_owned()).spawn(|| worker.run()).map(drop)
    /// };
    /// let pool = rayon::ThreadPoolBuilder::new().num_threads(1).spawn_handler(start).build()?;
    /// TENANT.set(1);
    /// let seen = pool.install(|| (TENANT.get(), std::thread::current().name().map(str::to_owned)));
    /// assert_eq!(seen, (1, Some("of our own".to_owned())));
    /// # Ok(())
    /// # }
    /// ```
    pub fn spawn_handler<F>(self, spawn: F) -> ThreadPoolBuilder<CustomSpawn<F>>
    where
        F: FnMut(ThreadBuilder) -> io::Result<()>,
    {
        ThreadPoolBuilder { inner: self.inner, spawn: CustomSpawn(spawn) }
    }
}

impl<S: ThreadSpawn> ThreadPoolBuilder<S> {
    /// Builds the pool.
    ///
    /// # Errors
    /// As [`rayon::ThreadPoolBuilder::build`](::rayon::ThreadPoolBuilder::build).
    pub fn build(self) -> Result<ThreadPool, ThreadPoolBuildError> {
        self.spawn.build(self.inner).map(ThreadPool::from)
    }

    /// Builds the global pool, which is used by all code outside of another pool.
    ///
    /// # Errors
    /// As [`rayon::ThreadPoolBuilder::build_global`](::rayon::ThreadPoolBuilder::build_global): for example if there
    /// already is one.
    pub fn build_global(self) -> Result<(), ThreadPoolBuildError> {
        self.spawn.build_global(self.inner)
    }
}

impl Default for ThreadPoolBuilder {
    fn default() -> Self {
        Self { inner: ::rayon::ThreadPoolBuilder::new(), spawn: DefaultSpawn(()) }
    }
}

impl<S> fmt::Debug for ThreadPoolBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
