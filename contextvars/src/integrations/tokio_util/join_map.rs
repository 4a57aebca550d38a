//! [`JoinMap`]: tokio-util's, with spawns that inherit the context.

use std::borrow::Borrow;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hash, RandomState};
use std::ops::{Deref, DerefMut};

use ::tokio::runtime::Handle;
use ::tokio::task::{Id, JoinError, LocalSet};
use ::tokio_util::task::JoinMapKeys;

use crate::context::inherit_context;
use crate::task::inheriting;

/// A [`tokio_util::task::JoinMap`](::tokio_util::task::JoinMap) whose tasks inherit the context of their spawner.
///
/// It has all methods of the original, and dereferences to it.
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
pub struct JoinMap<K, V, S = RandomState> {
    inner: ::tokio_util::task::JoinMap<K, V, S>,
}

impl<K, V> JoinMap<K, V> {
    /// Creates an empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty map with capacity for `capacity` tasks.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::from(::tokio_util::task::JoinMap::with_capacity(capacity))
    }
}

impl<K, V, S> JoinMap<K, V, S> {
    /// Creates an empty map that hashes its keys with `hash_builder`.
    #[must_use]
    pub fn with_hasher(hash_builder: S) -> Self {
        Self::from(::tokio_util::task::JoinMap::with_hasher(hash_builder))
    }

    /// Creates an empty map with capacity for `capacity` tasks, which hashes its keys with `hash_builder`.
    #[must_use]
    pub fn with_capacity_and_hasher(capacity: usize, hash_builder: S) -> Self {
        Self::from(::tokio_util::task::JoinMap::with_capacity_and_hasher(capacity, hash_builder))
    }

    /// Returns the map of tokio-util, with the tasks of this one.
    #[must_use]
    pub fn into_inner(self) -> ::tokio_util::task::JoinMap<K, V, S> {
        self.inner
    }

    /// Returns the number of tasks that have not been joined yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// Returns whether all tasks have been joined.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// Returns the number of tasks that the map can hold without allocating.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.inner.capacity()
    }
}

impl<K, V, S> JoinMap<K, V, S>
where
    V: 'static,
{
    /// Aborts all tasks; they stay in the collection until they are joined.
    pub fn abort_all(&mut self) {
        self.inner.abort_all();
    }

    /// Removes all tasks without aborting them.
    pub fn detach_all(&mut self) {
        self.inner.detach_all();
    }
}

impl<K, V, S> JoinMap<K, V, S>
where
    K: Hash + Eq,
    V: 'static,
    S: BuildHasher,
{
    /// Waits for the next task and returns its key and output, or `None` if there is no task.
    pub async fn join_next(&mut self) -> Option<(K, Result<V, JoinError>)> {
        self.inner.join_next().await
    }

    /// Aborts all tasks and waits until they have ended.
    pub async fn shutdown(&mut self) {
        self.inner.shutdown().await;
    }

    /// Aborts the task with this key, which stays in the map until it is joined. Returns whether there is one.
    pub fn abort<Q>(&mut self, key: &Q) -> bool
    where
        Q: ?Sized + Hash + Eq,
        K: Borrow<Q>,
    {
        self.inner.abort(key)
    }

    /// Aborts the tasks whose keys satisfy the predicate.
    pub fn abort_matching(&mut self, predicate: impl FnMut(&K) -> bool) {
        self.inner.abort_matching(predicate);
    }

    /// Returns the keys of all tasks, in any order.
    #[must_use]
    pub fn keys(&self) -> JoinMapKeys<'_, K, V> {
        self.inner.keys()
    }

    /// Returns whether there is a task with this key.
    #[must_use]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        Q: ?Sized + Hash + Eq,
        K: Borrow<Q>,
    {
        self.inner.contains_key(key)
    }

    /// Returns whether the task with this id is in the map.
    #[must_use]
    pub fn contains_task(&self, task: &Id) -> bool {
        self.inner.contains_task(task)
    }

    /// Reserves capacity for `additional` more tasks.
    pub fn reserve(&mut self, additional: usize) {
        self.inner.reserve(additional);
    }

    /// Shrinks the capacity as much as possible.
    pub fn shrink_to_fit(&mut self) {
        self.inner.shrink_to_fit();
    }

    /// Shrinks the capacity, with a lower limit.
    pub fn shrink_to(&mut self, min_capacity: usize) {
        self.inner.shrink_to(min_capacity);
    }

    /// Spawns a task that inherits the context; a task with the same key is aborted.
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
