//! What [`JoinSet`](super::task::JoinSet) and tokio-util's `JoinQueue` have in common besides their spawns.

/// The methods by which the members of a collection are waited for and given up.
///
/// They are there though the collection dereferences to the original, so that they can be called by their paths, too.
macro_rules! joining_methods {
    () => {
        /// Returns how many tasks there are that were not joined yet.
        #[must_use]
        pub fn len(&self) -> usize {
            self.inner.len()
        }

        /// Returns whether all tasks were joined.
        #[must_use]
        pub fn is_empty(&self) -> bool {
            self.inner.is_empty()
        }
    };
    (waiting) => {
        /// Waits for the next task and returns its output. `None`: there is none.
        pub async fn join_next(&mut self) -> Option<Result<T, ::tokio::task::JoinError>> {
            self.inner.join_next().await
        }

        /// Waits for the next task and returns its output with its id. `None`: there is none.
        pub async fn join_next_with_id(&mut self) -> Option<Result<(::tokio::task::Id, T), ::tokio::task::JoinError>> {
            self.inner.join_next_with_id().await
        }

        /// Returns the output of the next task, if it is done. `None`: it is not, or there is none.
        pub fn try_join_next(&mut self) -> Option<Result<T, ::tokio::task::JoinError>> {
            self.inner.try_join_next()
        }

        /// Returns the output of the next task with its id, if it is done. `None`: it is not, or there is none.
        pub fn try_join_next_with_id(&mut self) -> Option<Result<(::tokio::task::Id, T), ::tokio::task::JoinError>> {
            self.inner.try_join_next_with_id()
        }

        /// Asks for the next task that is done, as [`join_next`](Self::join_next) does.
        pub fn poll_join_next(
            &mut self,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<T, ::tokio::task::JoinError>>> {
            self.inner.poll_join_next(cx)
        }

        /// Asks for the next task that is done, as [`join_next_with_id`](Self::join_next_with_id) does.
        pub fn poll_join_next_with_id(
            &mut self,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<(::tokio::task::Id, T), ::tokio::task::JoinError>>> {
            self.inner.poll_join_next_with_id(cx)
        }

        /// Aborts all tasks and waits for their end.
        pub async fn shutdown(&mut self) {
            self.inner.shutdown().await;
        }

        /// Aborts all tasks; they are still to be joined.
        pub fn abort_all(&mut self) {
            self.inner.abort_all();
        }

        /// Forgets all tasks, which go on.
        pub fn detach_all(&mut self) {
            self.inner.detach_all();
        }
    };
}

pub(crate) use joining_methods;
