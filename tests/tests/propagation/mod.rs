//! Where contexts go with work that is started: threads, tasks, jobs, streams, and back.

mod applied_diffs;
mod futures;
mod hooks;
mod named_tasks;
mod places;
mod policies;
mod rayon;
mod round_trip;
mod threads;
mod tokio;
mod tokio_util;
mod traits;
