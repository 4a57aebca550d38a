//! The methods that [`JoinSet`](super::task::JoinSet) and tokio-util's `JoinQueue` share, besides their spawns.

/// Defines the methods that wait for, abort and detach the tasks of a collection.
///
/// The collection dereferences to the original, which has them, too; they are defined here so that they can also be
/// called by path.
macro_rules! joining_methods {
    () => {
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
    };
    (waiting) => {
        /// Waits for the next task and returns its output, or `None` if there is no task.
        pub async fn join_next(&mut self) -> Option<Result<T, ::tokio::task::JoinError>> {
            self.inner.join_next().await
        }

        /// Waits for the next task and returns its id and output, or `None` if there is no task.
        pub async fn join_next_with_id(&mut self) -> Option<Result<(::tokio::task::Id, T), ::tokio::task::JoinError>> {
            self.inner.join_next_with_id().await
        }

        /// Returns the output of the next completed task, or `None` if no task has completed.
        pub fn try_join_next(&mut self) -> Option<Result<T, ::tokio::task::JoinError>> {
            self.inner.try_join_next()
        }

        /// Returns the id and output of the next completed task, or `None` if no task has completed.
        pub fn try_join_next_with_id(&mut self) -> Option<Result<(::tokio::task::Id, T), ::tokio::task::JoinError>> {
            self.inner.try_join_next_with_id()
        }

        /// Polls for the next completed task, as [`join_next`](Self::join_next) does.
        pub fn poll_join_next(
            &mut self,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<T, ::tokio::task::JoinError>>> {
            self.inner.poll_join_next(cx)
        }

        /// Polls for the next completed task, as [`join_next_with_id`](Self::join_next_with_id) does.
        pub fn poll_join_next_with_id(
            &mut self,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<(::tokio::task::Id, T), ::tokio::task::JoinError>>> {
            self.inner.poll_join_next_with_id(cx)
        }

        /// Aborts all tasks and waits until they have ended.
        pub async fn shutdown(&mut self) {
            self.inner.shutdown().await;
        }

        /// Aborts all tasks; they stay in the collection until they are joined.
        pub fn abort_all(&mut self) {
            self.inner.abort_all();
        }

        /// Removes all tasks without aborting them.
        pub fn detach_all(&mut self) {
            self.inner.detach_all();
        }
    };
}

pub(crate) use joining_methods;
