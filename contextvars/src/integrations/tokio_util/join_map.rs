//! [`JoinMap`]: tokio-util's, with spawns that inherit the context.

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hash, RandomState};
use std::ops::{Deref, DerefMut};

use ::tokio::runtime::Handle;
use ::tokio::task::LocalSet;

use crate::context::inherit_context;
use crate::task::inheriting;

/// A [`tokio_util::task::JoinMap`](::tokio_util::task::JoinMap) whose tasks inherit the context of whoever spawns them.
///
/// It dereferences to tokio-util's own, which has everything that does not spawn.
///
/// # Examples
///
/// ```
/// # use contextvars::{context_var, tokio, tokio_util::task::JoinMap};
/// #[context_var]
/// static TENANT: u32;
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() {
///     TENANT.set(1);
///     let mut map = JoinMap::new();
///     map.spawn("one", async { TENANT.get() });
///     let (key, output) = map.join_next().await.unwrap();
///     assert_eq!((key, output.unwrap()), ("one", 1));
/// }
/// ```
///
/// # Python
/// Has no counterpart: an `asyncio.TaskGroup` has no keys. Its tasks copy the whole context.
pub struct JoinMap<K, V, S = RandomState> {
    inner: ::tokio_util::task::JoinMap<K, V, S>,
}

impl<K, V> JoinMap<K, V> {
    /// Creates an empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty map with room for `capacity` tasks.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::from(::tokio_util::task::JoinMap::with_capacity(capacity))
    }
}

impl<K, V, S> JoinMap<K, V, S> {
    /// Creates an empty map that hashes its keys as given.
    #[must_use]
    pub fn with_hasher(hash_builder: S) -> Self
    where
        S: Clone,
    {
        Self::from(::tokio_util::task::JoinMap::with_hasher(hash_builder))
    }

    /// Creates an empty map with room for `capacity` tasks that hashes its keys as given.
    #[must_use]
    pub fn with_capacity_and_hasher(capacity: usize, hash_builder: S) -> Self
    where
        S: Clone,
    {
        Self::from(::tokio_util::task::JoinMap::with_capacity_and_hasher(capacity, hash_builder))
    }

    /// Returns tokio-util's own map, with the tasks of this one.
    #[must_use]
    pub fn into_inner(self) -> ::tokio_util::task::JoinMap<K, V, S> {
        self.inner
    }
}

impl<K, V, S> JoinMap<K, V, S>
where
    K: Hash + Eq,
    V: 'static,
    S: BuildHasher,
{
    /// Spawns a task that inherits the context; one that is there under the same key is aborted.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[track_caller]
    pub fn spawn<F>(&mut self, key: K, task: F)
    where
        F: Future<Output = V> + Send + 'static,
        V: Send,
    {
        self.inner.spawn(key, inheriting(task));
    }

    /// Spawns a task that inherits the context, on the given runtime.
    #[track_caller]
    pub fn spawn_on<F>(&mut self, key: K, task: F, handle: &Handle)
    where
        F: Future<Output = V> + Send + 'static,
        V: Send,
    {
        self.inner.spawn_on(key, inheriting(task), handle);
    }

    /// Spawns a `!Send` task that inherits the context.
    ///
    /// # Panics
    /// Outside of a `LocalSet` and of a `LocalRuntime`.
    #[track_caller]
    pub fn spawn_local<F>(&mut self, key: K, task: F)
    where
        F: Future<Output = V> + 'static,
    {
        self.inner.spawn_local(key, inheriting(task));
    }

    /// Spawns a `!Send` task that inherits the context, on the given `LocalSet`.
    #[track_caller]
    pub fn spawn_local_on<F>(&mut self, key: K, task: F, local_set: &LocalSet)
    where
        F: Future<Output = V> + 'static,
    {
        self.inner.spawn_local_on(key, inheriting(task), local_set);
    }

    /// Runs a blocking function that inherits the context on the blocking pool.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, key: K, f: F)
    where
        F: FnOnce() -> V + Send + 'static,
        V: Send,
    {
        self.inner.spawn_blocking(key, inherit_context().wrap_once(f));
    }

    /// Runs a blocking function that inherits the context on the blocking pool of the given runtime.
    #[track_caller]
    pub fn spawn_blocking_on<F>(&mut self, key: K, f: F, handle: &Handle)
    where
        F: FnOnce() -> V + Send + 'static,
        V: Send,
    {
        self.inner.spawn_blocking_on(key, inherit_context().wrap_once(f), handle);
    }
}

impl<K, V> Default for JoinMap<K, V> {
    fn default() -> Self {
        Self::from(::tokio_util::task::JoinMap::default())
    }
}

impl<K, V, S> From<::tokio_util::task::JoinMap<K, V, S>> for JoinMap<K, V, S> {
    fn from(inner: ::tokio_util::task::JoinMap<K, V, S>) -> Self {
        Self { inner }
    }
}

impl<K, V, S> Deref for JoinMap<K, V, S> {
    type Target = ::tokio_util::task::JoinMap<K, V, S>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl<K, V, S> DerefMut for JoinMap<K, V, S> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.inner
    }
}

impl<K: fmt::Debug, V, S> fmt::Debug for JoinMap<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
