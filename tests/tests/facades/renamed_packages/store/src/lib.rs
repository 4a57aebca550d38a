//! A store whose work runs in tasks, blocking functions and jobs.

use contextvars::context_var;
use rayon::prelude::*;
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

#[context_var(default = 0)]
pub static REQUEST_ID: u64;

/// What each kind of work sees, by its name.
pub async fn seen() -> Vec<(&'static str, u64)> {
    let tracker = TaskTracker::new();
    let mut set = JoinSet::new();
    set.spawn(async { REQUEST_ID.get() });
    let (front, back) = rayon::join(|| REQUEST_ID.get(), || REQUEST_ID.get());
    vec![
        ("tokio::spawn", tokio::spawn(async { REQUEST_ID.get() }).await.unwrap()),
        ("tokio::task::spawn_blocking", tokio::task::spawn_blocking(|| REQUEST_ID.get()).await.unwrap()),
        ("JoinSet::spawn", set.join_next().await.unwrap().unwrap()),
        ("TaskTracker::spawn", tracker.spawn(async { REQUEST_ID.get() }).await.unwrap()),
        ("rayon::join", front.max(back)),
        ("par_iter", [0; 64].par_iter().map(|_| REQUEST_ID.get()).max().unwrap()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use contextvars::with_context;

    #[tokio::test]
    async fn everything_sees_the_request() {
        let all = with_context!(REQUEST_ID = 7, async { seen().await }).await;
        assert!(all.iter().all(|(_, id)| *id == 7), "{all:?}");
    }
}
