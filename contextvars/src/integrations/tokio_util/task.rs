//! [`tokio_util::task`](::tokio_util::task), with spawns that inherit the context.

pub use super::join_map::JoinMap;
pub use super::join_queue::JoinQueue;
pub use super::local_pool::LocalPoolHandle;
pub use super::task_tracker::TaskTracker;
#[doc(no_inline)]
pub use ::tokio_util::task::*;

pub mod task_tracker {
    //! [`tokio_util::task::task_tracker`](::tokio_util::task::task_tracker), with spawns that inherit the context.

    pub use super::TaskTracker;
    pub use crate::integrations::tokio_util::task_tracker::TaskTrackerToken;
    #[doc(no_inline)]
    pub use ::tokio_util::task::task_tracker::*;
}
